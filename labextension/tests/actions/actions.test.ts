/** What is asked before environments are stopped. */

import { Actions } from '../../src/actions/actions';
import type { EnvironmentStatus } from '../../src/api/types';
import type { IEnvironments, ISysdesignSettings } from '../../src/tokens';
import { button, rest } from '../browser';

let running: EnvironmentStatus[];
let stopped: string[];

function runs(...ids: string[]): void {
  running = ids.map(id => ({ id, state: 'ready' }) as EnvironmentStatus);
}

function actions(confirmStop: boolean): Actions {
  const environments = {
    get running() {
      return running;
    },
    of: (id: string) => running.find(each => each.id === id) ?? null,
    stop: (id: string) => {
      stopped.push(id);
      return Promise.resolve();
    }
  };
  return new Actions(
    {} as never, // nothing is asked of it
    environments as unknown as IEnvironments,
    { confirmStop } as ISysdesignSettings
  );
}

function dialog(): string | null {
  return document.querySelector('.jp-Dialog')?.textContent ?? null;
}

beforeEach(() => {
  jest.useFakeTimers();
  stopped = [];
});

afterEach(() => {
  jest.useRealTimers();
});

test('all are stopped at once where nothing is to be asked', async () => {
  runs('one', 'two');
  void actions(false).stopAll();
  await rest();
  expect(dialog()).toBeNull();
  expect(stopped).toEqual(['one', 'two']);
});

test.each([
  ['Cancel', []],
  ['Stop', ['one', 'two']]
])('how many are stopped is asked once: %s', async (answer, after) => {
  runs('one', 'two');
  void actions(true).stopAll();
  await rest();
  expect(document.querySelectorAll('.jp-Dialog')).toHaveLength(1);
  expect(dialog()).toContain('Stop 2 environments?');
  expect(dialog()).toContain('Their data and your files stay.');
  expect(stopped).toEqual([]);
  button(document.body, answer).click();
  await rest();
  expect(dialog()).toBeNull();
  expect(stopped).toEqual(after);
});

test('only one is asked about as one', async () => {
  runs('one');
  void actions(true).stopAll();
  await rest();
  expect(dialog()).toContain('Stop 1 environment?');
  expect(dialog()).toContain('Its data and your files stay.');
  button(document.body, 'Stop').click();
  await rest();
  expect(stopped).toEqual(['one']);
});

test('nothing is asked where nothing runs, or all of it is stopping', async () => {
  runs();
  await actions(true).stopAll();
  running = [{ id: 'one', state: 'stopping' } as EnvironmentStatus];
  await actions(true).stopAll();
  expect(dialog()).toBeNull();
  expect(stopped).toEqual([]);
});

test('what was not asked about is left alone, and so is what has stopped meanwhile', async () => {
  runs('one', 'two');
  void actions(true).stopAll();
  await rest();
  runs('two', 'three');
  button(document.body, 'Stop').click();
  await rest();
  expect(stopped).toEqual(['two']);
});
