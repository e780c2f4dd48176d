/** What a dashboard knows after it was away: the control plane is a script. */

import { Api } from '../../src/api/client';
import type { StreamEvent } from '../../src/api/events';
import type { Run, RunTick } from '../../src/api/types';
import { CLIENTS } from '../../src/dashboard/clients';
import { DashboardState } from '../../src/dashboard/state';
import { ScriptedTransport, settle } from '../transport';

const ENV = 'GET /v1/environments/w';

let transport: ScriptedTransport;
let state: DashboardState;

function tick(t_s: number, of = 'r'): RunTick {
  return {
    run: of,
    t_s,
    sent: 10,
    done: 10,
    rps: 10,
    in_flight: 1,
    errors: {},
    p50_ms: 1,
    p95_ms: 2,
    p99_ms: 3,
    lag_p99_ms: 0
  };
}

function run(more: Partial<Run> = {}): Run {
  return {
    id: 'r',
    profile: 'browse',
    state: 'running',
    started_at: 1000,
    ticks: [],
    ...more
  } as Run;
}

function event(
  type: StreamEvent['type'],
  ts: number,
  data: unknown
): StreamEvent {
  return { seq: ts, ts, type, data } as StreamEvent;
}

beforeEach(() => {
  transport = new ScriptedTransport();
  const answers: Record<string, unknown> = {
    'GET /v1/workspaces/w': { id: 'w', lesson: 'l' },
    [`${ENV}/metrics`]: { ts: [], values: {} },
    [`${ENV}/runs`]: [],
    [`${ENV}/checks`]: { declared: [], going: false, results: [] }
  };
  for (const [path, answer] of Object.entries(answers)) {
    transport.answers.set(path, answer);
  }
  state = new DashboardState('w');
});

test('what clients saw is there also when the run ticks while it is fetched', async () => {
  let answer: (run: Run) => void = () => undefined;
  transport.answers.set(`${ENV}/runs`, [run()]);
  transport.answers.set(
    `${ENV}/runs/r`,
    new Promise<Run>(resolve => {
      answer = resolve;
    })
  );
  const loaded = state.load(new Api(transport));
  await settle();
  state.advance([event('run.tick', 1004, tick(4))]);
  answer(run({ ticks: [1, 2, 3, 4].map(at => tick(at)) }));
  await loaded;
  state.advance([
    event('run.tick', 1004, tick(4)), // what came meanwhile comes once more
    event('run.tick', 1005, tick(5))
  ]);
  const [times] = state.clients.store.window([CLIENTS.rps], 0);
  expect(times).toEqual([1002, 1003, 1004, 1005]);
  expect(state.clients.done).toBe(50);
});

test('the run before is there to compare with', async () => {
  const done = { state: 'done' } as const;
  const before = run({ ...done, id: 'before' });
  const after = run({ ...done, id: 'after', started_at: 1100 });
  transport.answers.set(`${ENV}/runs`, [after, before]);
  for (const each of [before, after]) {
    const ticks = [1, 2, 3].map(at => tick(at, each.id));
    transport.answers.set(`${ENV}/runs/${each.id}`, { ...each, ticks });
  }
  await state.load(new Api(transport));
  const [times] = state.clients.store.window([CLIENTS.rps], 0);
  expect(times).toEqual(expect.arrayContaining([1002, 1102]));
  expect(state.clients.done).toBe(30); // of the last one
});

test('what a killed control plane left open is over', async () => {
  state.advance([
    event('run.tick', 1001, tick(1)),
    event('check.result', 1002, {})
  ]);
  await state.load(new Api(transport));
  // By the control plane's clock; that of this machine is years ahead.
  expect(state.timeline.marks.map(({ to }) => to)).toEqual([1002, 1002]);
});

test('what was left open ended when there was a sample of what came next, at the latest', async () => {
  state.advance([event('run.tick', 1001, tick(1))]);
  transport.answers.set(`${ENV}/metrics`, { ts: [1040, 1042], values: {} });
  await state.load(new Api(transport));
  expect(state.timeline.marks.map(({ to }) => to)).toEqual([1042]);
});

test('a hole in the history, which this side dates, ends nothing', async () => {
  state.advance([
    event('run.tick', 1001, tick(1)),
    event('gap', 9000, { missed_from: 1, missed_to: 2 })
  ]);
  await state.load(new Api(transport));
  expect(state.timeline.marks.map(({ to }) => to)).toEqual([1001]);
});

test('an environment that was made again has no verdict, nor clients, of the one before', async () => {
  const verdict = {
    lesson: 'l',
    status: 'failed',
    checks: [{ id: 'fast-enough' }],
    started_at: 990,
    duration_s: 10
  };
  transport.answers.set(`${ENV}/runs`, [run({ state: 'done' })]);
  transport.answers.set(
    `${ENV}/runs/r`,
    run({ state: 'done', ticks: [tick(1)] })
  );
  await state.load(new Api(transport));
  state.advance([event('verdict', 1000, verdict)]);
  expect(state.verdict.verdict).toEqual(verdict);
  expect(state.latest(CLIENTS.rps)).toBe(10);
  transport.answers.set(`${ENV}/runs`, []);
  await state.load(new Api(transport));
  expect(state.verdict).toEqual({ results: [], verdict: null, waits: false });
  expect(state.latest(CLIENTS.rps)).toBeNull();
});

test('what goes on is not over', async () => {
  state.advance([
    event('run.tick', 1001, tick(1)),
    event('check.result', 1002, {})
  ]);
  transport.answers.set(`${ENV}/runs`, [run()]);
  transport.answers.set(`${ENV}/runs/r`, run({ ticks: [tick(1)] }));
  transport.answers.set(`${ENV}/checks`, {
    declared: [],
    going: true,
    results: []
  });
  await state.load(new Api(transport));
  expect(state.timeline.marks.map(({ to }) => to)).toEqual([null, null]);
});

test('a run that is not known is asked for until it is', () => {
  const ticks = [event('run.tick', 1001, tick(1))];
  expect(state.advance(ticks).runs).toBe(true);
  expect(state.advance(ticks).runs).toBe(true);
  state.began(run());
  expect(state.advance(ticks).runs).toBe(false);
});

test('a run that began and ended meanwhile is known', () => {
  const done = run({ state: 'done' });
  const { runs } = state.advance([
    event('run.tick', 1001, tick(1)),
    event('run.done', 1002, done)
  ]);
  expect(runs).toBe(false);
});

test('an older answer does not begin a run anew that has ended', async () => {
  transport.answers.set(`${ENV}/runs`, [run()]);
  const asked = state.loadRuns(new Api(transport));
  state.advance([event('run.done', 1002, run({ state: 'done' }))]);
  await asked;
  expect(state.running).toBeNull();
  expect(state.timeline.marks.map(({ to }) => to)).toEqual([1002]);
});

test('what happened is in the charts, where nothing was measured, on whatever clock', async () => {
  await state.load(new Api(transport));
  state.advance([event('file.saved', 5000, { path: 'app/server.py' })]);
  expect(state.end).toBe(5000);
});
