import { Api } from '../../src/api/client';
import { ApiError, unreachable } from '../../src/api/problem';
import type {
  EnvironmentState,
  EnvironmentStatus,
  WorkspaceDetail
} from '../../src/api/types';
import { hubOf } from '../../src/connection/choose';
import type { EventHub } from '../../src/connection/hub';
import { EnvironmentRegistry } from '../../src/environments/registry';
import { ScriptedTransport } from '../transport';

const ENVIRONMENTS = 'GET /v1/environments?no_track_activity=1';
const IF_ALIVE = 'GET /v1/environments?if_alive=1&no_track_activity=1';
const LESSONS = [{ id: 'indexes', title: 'Indexes and slow queries' }];
const MACHINE = { cpus: 2, memory_bytes: 8, available_bytes: 4 };
const WORKSPACE = { id: 'indexes-1', lesson: 'indexes' } as WorkspaceDetail;

function environment(state: EnvironmentState, id = 'indexes-1') {
  return { id, lesson: 'indexes', state } as EnvironmentStatus;
}

function registry(): {
  transport: ScriptedTransport;
  list: EnvironmentRegistry;
  told: () => number;
} {
  const transport = new ScriptedTransport();
  transport.answers.set(ENVIRONMENTS, [environment('ready')]);
  transport.answers.set('GET /v1/workspaces?no_track_activity=1', [WORKSPACE]);
  transport.answers.set('GET /v1/lessons?no_track_activity=1', LESSONS);
  transport.answers.set(IF_ALIVE, [environment('ready')]);
  transport.answers.set('GET /v1/machine?no_track_activity=1', MACHINE);
  const hubs = new Map<string, EventHub>();
  const list = new EnvironmentRegistry({
    api: new Api(transport),
    hub: id => hubOf(hubs, id, transport),
    startOptions: () => ({ runtime: 'embedded', sample_interval_s: 2 })
  });
  let count = 0;
  list.changed.connect(() => {
    count += 1;
  });
  return { transport, list, told: () => count };
}

const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test('asks nothing before it begins, and only for environments while nobody watches', async () => {
  const { transport, list } = registry();
  list.watch().dispose();
  await pass(60_000);
  expect(transport.requests).toEqual([]);
  expect(list.health).toEqual({ state: 'unknown' });

  list.begin();
  await pass(10);
  expect(transport.requests[0]?.path).toBe(
    '/v1/environments?if_alive=1&no_track_activity=1'
  );
  expect(list.running).toEqual([environment('ready')]);
  expect(list.machine).toEqual(MACHINE);
  expect(list.title('indexes')).toBe('Indexes and slow queries');
  expect(list.workspaces).toEqual([]); // nobody asked for them

  transport.answers.set(IF_ALIVE, null); // no control plane
  void list.refresh();
  await pass(10);
  expect(list.running).toEqual([]);
  expect(list.machine).toBeNull();
  list.dispose();
});

test('a watcher gets everything at once, and again and again', async () => {
  const { transport, list, told } = registry();
  list.begin();
  const watching = list.watch();
  await pass(10);
  expect(list.workspaces).toEqual([WORKSPACE]);
  expect(list.title('indexes')).toBe('Indexes and slow queries');
  expect(list.title('gone')).toBe('gone');
  expect(told()).toBeGreaterThan(0);

  const before = told();
  const asked = transport.requests.length;
  await pass(60_000);
  expect(transport.requests.length).toBeGreaterThan(asked + 3);
  expect(told()).toBe(before); // nothing changed, so nobody was told
  watching.dispose();
  list.dispose();
});

test('keeps what is known while nobody answers, and takes the new word afterwards', async () => {
  const { transport, list } = registry();
  list.watch();
  list.begin();
  await pass(10);
  transport.answers.set(ENVIRONMENTS, unreachable());
  void list.refresh();
  await pass(10);
  expect(list.health).toMatchObject({
    state: 'trouble',
    problem: { code: 'unreachable' }
  });
  expect(list.environments).toEqual([environment('ready')]);

  // Another control plane, which knows nothing of the environment: no ghost stays.
  transport.answers.set(ENVIRONMENTS, []);
  window.dispatchEvent(new Event('online'));
  await pass(10);
  expect(list.health).toEqual({ state: 'ok' });
  expect(list.environments).toEqual([]);
  list.dispose();
});

test('waits longer each time nobody answers', async () => {
  const { transport, list } = registry();
  transport.answers.set(ENVIRONMENTS, unreachable());
  list.watch();
  list.begin();
  await pass(120_000);
  expect(transport.requests.length).toBeLessThan(15);
  expect(transport.requests.length).toBeGreaterThan(3);
  list.dispose();
});

test('an answer from before an action does not undo what the action said', async () => {
  const { transport, list } = registry();
  list.watch();
  list.begin();
  await pass(10);
  let late: (value: unknown) => void = () => undefined;
  transport.answers.set(
    ENVIRONMENTS,
    new Promise(resolve => {
      late = resolve;
    })
  );
  void list.refresh();
  await pass(10);
  transport.answers.set(
    'POST /v1/environments/indexes-1/stop',
    environment('stopped')
  );
  await list.stop('indexes-1');
  expect(list.running).toEqual([]);
  late([environment('ready')]);
  await Promise.resolve();
  expect(list.running).toEqual([]);
  list.dispose();
});

test('an action that is refused rejects, and the list is asked for anew', async () => {
  const { transport, list } = registry();
  list.watch();
  list.begin();
  await pass(10);
  const refused = new ApiError('stopped already', 'conflict', 409);
  transport.answers.set('POST /v1/environments/indexes-1/stop', refused);
  transport.answers.set(ENVIRONMENTS, [environment('stopped')]);
  await expect(list.stop('indexes-1')).rejects.toBe(refused);
  await pass(10);
  expect(list.of('indexes-1')?.state).toBe('stopped');
  list.dispose();
});

test('follows closely while something starts', async () => {
  const { transport, list } = registry();
  transport.answers.set(ENVIRONMENTS, [environment('starting')]);
  list.watch();
  list.begin();
  await pass(3500);
  const asked = transport.requests.filter(
    ({ path }) => path === '/v1/environments?no_track_activity=1'
  );
  expect(asked.length).toBe(4);
  list.dispose();
});

test('hears at once of the environment that somebody looks at', async () => {
  const { transport, list } = registry();
  transport.answers.set(ENVIRONMENTS, []);
  const watching = list.watch('indexes-1');
  list.begin();
  await pass(10);
  expect(transport.opened).toEqual([]); // there is none yet

  transport.answers.set(
    'POST /v1/environments',
    environment('preparing', 'indexes-1')
  );
  transport.answers.set(ENVIRONMENTS, [environment('preparing')]);
  await list.start('indexes-1');
  const sent = transport.requests.find(({ method }) => method === 'POST');
  expect(sent?.body).toEqual({
    workspace: 'indexes-1',
    reuse: true,
    runtime: 'embedded',
    sample_interval_s: 2
  });
  transport.stream.opened();
  transport.stream.events([
    {
      seq: 1,
      ts: 1,
      type: 'environment.state',
      data: environment('ready')
    }
  ]);
  transport.answers.set(ENVIRONMENTS, [environment('ready')]);
  await pass(20);
  expect(list.of('indexes-1')?.state).toBe('ready');
  watching.dispose();
  await pass(5000);
  expect(transport.stream.left).toBe(true);
  list.dispose();
});

test('asks at once for an environment whose stream ended, and follows what is there now', async () => {
  const { transport, list } = registry();
  const old = { ...environment('ready'), last_seq: 500 };
  transport.answers.set(ENVIRONMENTS, [old]);
  list.watch('indexes-1');
  list.begin();
  await pass(10);
  expect(list.of('indexes-1')).toEqual(old);
  const again = { ...environment('preparing'), last_seq: 3 };
  transport.answers.set(ENVIRONMENTS, [again]); // removed and made anew in between
  transport.stream.opened();
  transport.stream.closed(new ApiError('gone', 'not_found', 404));
  await pass(50);
  expect(list.of('indexes-1')).toEqual(again);
  transport.answers.set(ENVIRONMENTS, new Promise(() => 0));
  const data = { ...environment('ready'), last_seq: 14 };
  transport.stream.opened();
  transport.stream.events([
    { seq: 14, ts: 1, type: 'environment.state', data }
  ]);
  await pass(50);
  expect(list.of('indexes-1')?.state).toBe('ready');
  list.dispose();
});

test('asks at once for an environment of whose history a part is missing', async () => {
  const { transport, list } = registry();
  transport.answers.set(ENVIRONMENTS, [
    { ...environment('ready'), last_seq: 3 }
  ]);
  list.watch('indexes-1');
  list.begin();
  await pass(10);
  transport.answers.set(ENVIRONMENTS, [environment('stopped')]);
  const data = { missed_from: 4, missed_to: 9 };
  transport.stream.opened();
  transport.stream.events([{ seq: 9, ts: 1, type: 'gap', data }]);
  await pass(50);
  expect(list.of('indexes-1')?.state).toBe('stopped');
  list.dispose();
});

test('a stream that is refused is asked for again no oftener than the list', async () => {
  const { transport, list } = registry();
  list.watch('indexes-1');
  list.begin();
  await pass(10);
  list.changed.connect(() => {
    const { available_bytes } = list.machine ?? MACHINE;
    const machine = { ...MACHINE, available_bytes: available_bytes + 1 };
    transport.answers.set('GET /v1/machine?no_track_activity=1', machine);
  });
  transport.answers.set('GET /v1/machine?no_track_activity=1', {
    ...MACHINE,
    available_bytes: 5
  });
  for (let times = 0; times < 50; times += 1) {
    await pass(200);
    if (!transport.stream.left) {
      transport.stream.closed(new ApiError('denied', 'forbidden', 403));
    }
  }
  expect(transport.opened.length).toBeGreaterThan(1);
  expect(transport.opened.length).toBeLessThan(5);
  list.dispose();
});

test('opens the workspace that is known, and makes one where there is none', async () => {
  const { transport, list } = registry();
  transport.answers.set('POST /v1/workspaces', WORKSPACE);
  await expect(list.open('indexes')).resolves.toEqual(WORKSPACE);
  await expect(list.open('indexes')).resolves.toEqual(WORKSPACE);
  expect(transport.requests).toEqual([
    { method: 'POST', path: '/v1/workspaces', body: { lesson: 'indexes' } }
  ]);
  list.dispose();
});

test('an old question that fails late says nothing of a newer one', async () => {
  const { transport, list } = registry();
  let fail: (error: Error) => void = () => undefined;
  transport.answers.set(
    IF_ALIVE,
    new Promise((_, reject) => {
      fail = reject;
    })
  );
  list.begin();
  await pass(0);
  transport.answers.set(IF_ALIVE, [environment('ready')]);
  void list.refresh();
  await pass(0);
  expect(list.health.state).toBe('ok');
  fail(unreachable());
  await pass(0);
  expect(list.health.state).toBe('ok');
});
