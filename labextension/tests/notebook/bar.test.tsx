import { CommandRegistry } from '@lumino/commands';
import { render } from 'preact';
import { unreachable } from '../../src/api/problem';
import type { EnvironmentStatus, WorkspaceDetail } from '../../src/api/types';
import { CommandIDs } from '../../src/commands';
import { Bar } from '../../src/notebook/Bar';
import type { IEnvironments } from '../../src/tokens';
import { button, clickAgain, rest } from '../browser';

const WORKSPACE = {
  id: 'w',
  folder: '/home/ann/l',
  has_services: true,
  answers: {},
  questions_total: 0,
  checks_total: 0,
  checks_passed: 0,
  finished: false
} as unknown as WorkspaceDetail;

test('the second click of a double click does not stop what the first began', async () => {
  jest.useFakeTimers();
  const el = document.createElement('div');
  const started: string[] = [];
  const stopped: unknown[] = [];
  let environment: EnvironmentStatus | null = null;
  const commands = new CommandRegistry();
  commands.addCommand(CommandIDs.stopEnvironment, {
    describedBy: { args: {} },
    execute: args => stopped.push(args)
  });
  const environments = {
    workspaces: [],
    health: { state: 'ok' },
    of: () => environment,
    start: (folder: string) => {
      started.push(folder);
      environment = { id: 'w', state: 'starting' } as EnvironmentStatus;
      return Promise.resolve();
    }
  } as unknown as IEnvironments;
  const draw = (): void => {
    render(
      <Bar
        workspace={WORKSPACE}
        environments={environments}
        commands={commands}
      />,
      el
    );
  };
  draw();
  button(el, 'Start').click();
  await rest();
  draw();
  clickAgain(button(el, 'Stop'));
  await rest();
  expect(started).toEqual(['/home/ann/l']);
  expect(stopped).toEqual([]);
  button(el, 'Stop').click();
  await rest();
  expect(stopped).toEqual([{ workspace: 'w' }]);
  render(null, el);
  jest.useRealTimers();
});

test('what kept it from starting is gone from the bar when it runs', async () => {
  const el = document.createElement('div');
  let environment: EnvironmentStatus | null = null;
  const environments = {
    workspaces: [],
    health: { state: 'ok' },
    of: () => environment,
    start: () => Promise.reject(unreachable())
  } as unknown as IEnvironments;
  const draw = async (): Promise<void> => {
    render(
      <Bar
        workspace={WORKSPACE}
        environments={environments}
        commands={new CommandRegistry()}
      />,
      el
    );
    await new Promise(resolve => setTimeout(resolve, 20));
  };
  await draw();
  button(el, 'Start').click();
  await draw();
  expect(el.querySelector('[role=alert]')).not.toBeNull();
  environment = { id: 'w', state: 'ready' } as EnvironmentStatus;
  await draw();
  await draw();
  expect(el.querySelector('[role=alert]')).toBeNull();
  render(null, el);
});
