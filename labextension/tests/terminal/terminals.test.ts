/** Terminals with our console in them; Lab's own are a script. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import type { Api } from '../../src/api/client';
import { CommandIDs } from '../../src/commands';
import { Terminals } from '../../src/terminal/terminals';
import type { IEnvironments } from '../../src/tokens';
import { rest } from '../browser';

const WORKSPACE = { id: 'w', lesson: 'l', folder: '/l', path: 'l' };

let made: Widget[];
let typed: string[];
let shown: string[];
let info: () => Promise<unknown>;
let terminals: Terminals;

beforeEach(() => {
  jest.useFakeTimers();
  made = [];
  typed = [];
  shown = [];
  info = () => Promise.resolve({ command: ['sysdesign'] });
  const commands = new CommandRegistry();
  commands.addCommand(CommandIDs.newTerminal, {
    describedBy: { args: {} },
    execute: () => {
      const session = {
        messageReceived: new Signal<object, unknown>({}),
        send: ({ content }: { content: string[] }) => {
          typed.push(...content);
        }
      };
      const content = Object.assign(new Widget(), { session });
      const widget = new MainAreaWidget({ content });
      made.push(widget);
      return widget;
    }
  });
  const shell = {
    activateById: (id: string) => {
      shown.push(id);
    }
  };
  const environments = {
    workspaces: [WORKSPACE],
    of: () => ({ state: 'ready' }),
    title: () => 'Slow lists'
  };
  terminals = new Terminals(
    { commands, shell } as unknown as JupyterFrontEnd,
    environments as unknown as IEnvironments,
    { info: () => info() } as unknown as Api
  );
});

afterEach(() => {
  made.forEach(widget => {
    widget.dispose();
  });
  jest.useRealTimers();
});

test('asked for twice at once it is one, and there when it is asked for again', async () => {
  void terminals.open('w', 'db');
  void terminals.open('w', 'db');
  await rest(5000);
  void terminals.open('w', 'db');
  await rest(5000);
  expect(typed).toEqual(['sysdesign console --workspace=/l --service=db\r']);
  expect(shown).toEqual([made[0]?.id, made[0]?.id]);
  made[0]?.dispose();
  void terminals.open('w', 'db');
  await rest(5000);
  expect(made).toHaveLength(2);
});

test('one that could not be opened is opened the next time', async () => {
  info = () => Promise.reject(new Error('no answer'));
  await expect(terminals.open('w', 'db')).rejects.toThrow('no answer');
  info = () => Promise.resolve({ command: ['sysdesign'] });
  void terminals.open('w', 'db');
  await rest(5000);
  expect(made).toHaveLength(1);
});

test('two that begin anew at once make one', async () => {
  void terminals.open('w', 'db');
  await rest(5000);
  made[0]?.dispose();
  void terminals.open('w', 'db');
  void terminals.open('w', 'db');
  await rest(5000);
  expect(made).toHaveLength(2);
});
