/** Where the keyboard is when lessons come. */

import { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import { Api } from '../../src/api/client';
import { CurriculumPanel } from '../../src/curriculum/panel';
import { EnvironmentRegistry } from '../../src/environments/registry';
import { EventHub } from '../../src/connection/hub';
import { rest } from '../browser';
import { ScriptedTransport } from '../transport';

const QUIETLY = '?no_track_activity=1';

let transport: ScriptedTransport;
let list: EnvironmentRegistry;
let panel: CurriculumPanel;
let editor: HTMLInputElement;

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
  list = new EnvironmentRegistry({
    api: new Api(transport),
    hub: id => new EventHub(id, transport),
    startOptions: () => ({})
  });
  attach();
  editor = document.createElement('input');
  document.body.append(editor);
});

function attach(): void {
  panel = new CurriculumPanel(new CommandRegistry(), list);
  Widget.attach(panel, document.body);
}

afterEach(() => {
  panel.dispose();
  list.dispose();
  editor.remove();
  jest.useRealTimers();
});

async function lessonsCome(): Promise<void> {
  const lesson = { id: 't1-01-a', title: 'A', track: 1, tier: 'crawling' };
  const answers = {
    lessons: [{ ...lesson, minutes: 1, concepts: [], summary: '' }],
    workspaces: [],
    environments: [],
    machine: null
  };
  for (const [what, answer] of Object.entries(answers)) {
    transport.answers.set(`GET /v1/${what}${QUIETLY}`, answer);
  }
  list.begin();
  await rest();
  expect(panel.node.querySelector('[role=tree]')).not.toBeNull();
}

function inTree(): boolean {
  return document.activeElement?.closest('[role=tree]') != null;
}

test('the keyboard goes into the tree as soon as there is one', async () => {
  editor.focus();
  panel.activate();
  await rest();
  await lessonsCome();
  expect(inTree()).toBe(true);
});

test('who has gone on to something else is left alone', async () => {
  panel.activate();
  await rest();
  editor.focus();
  await lessonsCome();
  expect(document.activeElement).toBe(editor);
});

test('a panel that was closed meanwhile takes nothing', async () => {
  editor.focus();
  panel.activate();
  await rest();
  panel.hide();
  panel.show();
  await lessonsCome();
  expect(document.activeElement).toBe(editor);
});

test('a click where the keyboard was does not call it back later', async () => {
  await lessonsCome();
  const row = (): HTMLElement => {
    const found = panel.node.querySelector<HTMLElement>('.sd-row-lesson');
    if (!found) {
      throw new Error('no lesson');
    }
    return found;
  };
  for (let clicks = 0; clicks < 2; clicks++) {
    row().focus();
    row().click();
    await rest();
  }
  editor.focus();
  (list.changed as unknown as { emit(): void }).emit(); // a figure, say
  await rest();
  expect(document.activeElement).toBe(editor);
});

test('who types on in the cell they came from is left alone', async () => {
  editor.focus();
  panel.activate();
  await rest();
  editor.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'x', bubbles: true })
  );
  await lessonsCome();
  expect(document.activeElement).toBe(editor);
});

test('what could not be loaded is said, and there when it is shown again', async () => {
  panel.dispose();
  const view = '../../src/curriculum/view';
  jest.doMock(view, () => {
    throw new Error('Loading chunk 7 failed.');
  });
  attach();
  await rest();
  const alert = (): string | null | undefined =>
    panel.node.querySelector('[role=alert]')?.textContent;
  expect(alert()).toContain('The lessons could not be loaded.');
  expect(alert()).toContain('reload the page');
  jest.dontMock(view);
  panel.hide();
  panel.show();
  await lessonsCome();
  expect(alert()).toBeUndefined();
});
