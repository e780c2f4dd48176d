import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { render } from 'preact';
import { unreachable } from '../../src/api/problem';
import type { EnvironmentStatus } from '../../src/api/types';
import { CommandIDs } from '../../src/commands';
import { StatusItem } from '../../src/status/item';
import { Running } from '../../src/status/Running';
import type {
  Health,
  IEnvironments,
  ISysdesignSettings
} from '../../src/tokens';
import { button, rest } from '../browser';

const GB = 1024 ** 3;
const MACHINE = {
  cpus: 2,
  memory_bytes: 8 * GB,
  available_bytes: 4 * GB,
  environments: { one: 300 * 1024 ** 2 }
};

/** A list that a test fills. */
class List {
  running: EnvironmentStatus[] = [
    { id: 'one', lesson: 'indexes', state: 'ready' } as EnvironmentStatus
  ];
  machine = MACHINE;
  health: Health = { state: 'ok' };
  lessons = [{}];
  readonly changed = new Signal<this, void>(this);
  title(): string {
    return 'Indexes';
  }
}

const SETTINGS = {
  memoryWarning: 10,
  changed: new Signal({})
} as unknown as ISysdesignSettings;

let list: List;
let commands: CommandRegistry;
let dialog: HTMLElement;

function draw(): void {
  render(
    <Running
      environments={list as unknown as IEnvironments}
      settings={SETTINGS}
      commands={commands}
    />,
    dialog
  );
}

beforeEach(() => {
  jest.useFakeTimers();
  list = new List();
  commands = new CommandRegistry();
  dialog = document.createElement('div');
  dialog.setAttribute('role', 'dialog');
  dialog.tabIndex = -1;
  document.body.append(dialog);
});

afterEach(() => {
  render(null, dialog);
  dialog.remove();
  jest.useRealTimers();
});

test('one click stops what runs, and the keyboard stays in the list', async () => {
  const stopped: unknown[] = [];
  commands.addCommand(CommandIDs.stopEnvironment, {
    describedBy: { args: {} },
    execute: args => {
      stopped.push(args);
    }
  });
  draw();
  expect(dialog.textContent).toContain('300 MB');
  const stop = button(dialog, 'Stop');
  stop.focus();
  stop.click();
  await rest();
  expect(stopped).toEqual([{ workspace: 'one' }]);
  list.running = [];
  draw();
  expect(dialog.textContent).toContain('No environment is running.');
  expect(document.activeElement).toBe(dialog);
});

test('a stop that is refused says so beside its button', async () => {
  commands.addCommand(CommandIDs.stopEnvironment, {
    describedBy: { args: {} },
    execute: () => Promise.reject(unreachable())
  });
  draw();
  button(dialog, 'Stop').click();
  await rest();
  expect(dialog.querySelector('li [role="alert"]')?.textContent).toContain(
    'The Jupyter server does not answer.'
  );
});

test('low memory is said with what to do', () => {
  list.machine = { ...MACHINE, available_bytes: 0.5 * GB };
  draw();
  expect(dialog.textContent).toContain('Memory is running out');
  expect(dialog.textContent).toContain('512 MB of 8.0 GB are left');
});

test('the status bar says what runs, that memory is low, and trouble', () => {
  const item = new StatusItem(
    list as unknown as IEnvironments,
    SETTINGS,
    () => undefined
  );
  const text = (): string | null => item.node.textContent;
  expect(text()).toBe('1 environment · 300 MB');
  expect(item.isActive).toBe(true);
  list.machine = { ...MACHINE, available_bytes: 0 };
  list.changed.emit();
  expect(text()).toBe('1 environment · 300 MB · memory is low');
  expect(item.hasClass('sd-mod-warn')).toBe(true);
  list.running = [];
  list.machine = MACHINE;
  list.changed.emit();
  expect(item.isActive).toBe(false);
  item.isOpen = true; // the list would hang in the air without it
  expect(item.isActive).toBe(true);
  item.isOpen = false;
  expect(item.isActive).toBe(false);
  list.health = { state: 'trouble', problem: unreachable() };
  list.changed.emit();
  expect(text()).toBe('System Design: not connected');
  expect(item.isActive).toBe(true);
  item.dispose();
});
