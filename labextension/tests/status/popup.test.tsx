/** Who has the keyboard when the list of what runs is closed. */

import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { StatusItem } from '../../src/status/item';
import { showRunning } from '../../src/status/popup';
import type { IEnvironments, ISysdesignSettings } from '../../src/tokens';

const NOTHING = {
  running: [],
  machine: null,
  health: { state: 'ok' },
  lessons: [],
  changed: new Signal({}),
  watch: () => ({ dispose: () => undefined })
} as unknown as IEnvironments;
const SETTINGS = {
  changed: new Signal({})
} as unknown as ISysdesignSettings;

let item: StatusItem;
let editor: HTMLInputElement;

beforeEach(() => {
  item = new StatusItem(NOTHING, SETTINGS, () => undefined);
  Widget.attach(item, document.body);
  editor = document.createElement('input');
  document.body.append(editor);
});

afterEach(() => {
  item.dispose();
  editor.remove();
});

test('who closes the list goes on where it was opened', () => {
  const popup = showRunning(item, new CommandRegistry(), NOTHING, SETTINGS);
  expect(item.node.contains(document.activeElement)).toBe(false);
  popup.dispose();
  expect(item.node.contains(document.activeElement)).toBe(true);
});

test('who has gone on to something else keeps the keyboard', () => {
  const popup = showRunning(item, new CommandRegistry(), NOTHING, SETTINGS);
  editor.focus();
  popup.dispose();
  expect(document.activeElement).toBe(editor);
});
