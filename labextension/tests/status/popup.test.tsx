/** Who has the keyboard when the list of what runs is closed. */

import { Notification } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { StatusItem } from '../../src/status/item';
import { statusPlugin } from '../../src/status/plugin';
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

test('the button of the memory warning shows the list, and does not close it', async () => {
  jest.useFakeTimers();
  let show: (event: MouseEvent) => void = () => undefined;
  jest.spyOn(Notification, 'warning').mockImplementation((_, options) => {
    show = options?.actions?.[0]?.callback ?? show;
    return 'it';
  });
  const changed = new Signal<object, void>({});
  const low = {
    ...NOTHING,
    changed,
    machine: { memory_bytes: 8e9, available_bytes: 1, environments: {} }
  } as unknown as IEnvironments;
  const settings = {
    memoryWarning: 10,
    changed: new Signal({})
  } as unknown as ISysdesignSettings;
  const bar = {
    registerStatusItem: (_: string, { item: made }: { item: Widget }) => {
      Widget.attach(made, document.body);
    }
  };
  void statusPlugin.activate(
    { commands: new CommandRegistry() } as never,
    {},
    low,
    settings,
    bar
  );
  changed.emit();
  // In a browser, promises go on before a click has come up from the button to the document.
  show(new MouseEvent('click'));
  for (let turns = 0; turns < 50; turns++) {
    await Promise.resolve();
  }
  document.body.click();
  await jest.advanceTimersByTimeAsync(10);
  expect(document.querySelector('.sd-running-popup')).not.toBeNull();
  jest.useRealTimers();
});

test('a list that could not be loaded is said', async () => {
  jest.doMock('../../src/status/popup', () => {
    throw new Error('Loading chunk 7 failed.');
  });
  const said = jest.spyOn(Notification, 'error').mockReturnValue('it');
  let bar: StatusItem | undefined;
  void statusPlugin.activate(
    { commands: new CommandRegistry() } as never,
    {},
    NOTHING,
    SETTINGS,
    {
      registerStatusItem: (_: string, { item: made }: { item: StatusItem }) => {
        bar = made;
      }
    }
  );
  bar?.node.querySelector('button')?.click();
  await new Promise(resolve => setTimeout(resolve));
  expect(said).toHaveBeenCalledWith(
    expect.stringContaining(
      'The list of running environments could not be loaded.'
    ),
    expect.anything()
  );
});
