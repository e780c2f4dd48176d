/** A run in a notebook, while it goes on and afterwards. */

import type { Run } from '../../src/api/types';
import { RunState } from '../../src/widget/run/state';
import { button, rest, show, type IShown } from '../browser';
import { ScriptedTransport } from '../transport';
import { environment, has } from '../environment';

let transport: ScriptedTransport;
let shown: IShown | undefined;

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
});

afterEach(() => {
  shown?.remove();
  shown = undefined;
  jest.useRealTimers();
});

const run = (state: Run['state'], rest: Partial<Run> = {}): Run => ({
  id: 'r1',
  profile: 'browse',
  seed: 1,
  scale: 1,
  traffic: '',
  state,
  started_at: 1,
  summary: null,
  ticks: [],
  metrics: null,
  reason: '',
  ...rest
});
const summary: Run['summary'] = {
  duration_s: 10,
  requests: 100,
  ok: 98,
  rps: 10,
  errors: { timeout: 2 },
  p50_ms: 5,
  p95_ms: 9,
  p99_ms: 12,
  max_ms: 20,
  distribution: [],
  endpoints: {},
  lag_p99_ms: 30,
  generator_cpu: 0.99,
  generator_limited: true,
  warning:
    'The load generator ran out of free ports: use fewer new connections.'
};

test('follows its own run to the end, and keeps the result', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/runs/r1', run('running'));
  shown = await show('run', transport, { run: 'r1', profile: 'browse' });
  const { el, model } = shown;
  expect(el.textContent).toContain('Running');
  const tick = {
    run: 'r1',
    t_s: 0.1,
    sent: 3,
    done: 3,
    rps: 30,
    in_flight: 2,
    errors: {},
    p50_ms: 5,
    p95_ms: 9,
    p99_ms: 12,
    lag_p99_ms: 0
  };
  transport.stream.opened();
  transport.stream.events([
    { seq: 6, ts: 2, type: 'run.tick', data: tick },
    { seq: 7, ts: 2, type: 'run.tick', data: { ...tick, run: 'other' } }
  ]);
  await rest();
  expect(el.querySelector('.sd-facts')?.textContent).toContain('Done3');
  const done = run('done', { summary });
  transport.answers.set('GET /v1/environments/w/runs/r1', {
    ...done,
    ticks: [tick]
  });
  transport.stream.events([{ seq: 8, ts: 2, type: 'run.done', data: done }]);
  await rest();
  expect(el.textContent).toContain('2 timed out');
  expect(el.querySelector('.sd-note')?.textContent).toBe(summary.warning);
  await rest(1700);
  expect(model.saved.at(-1)).toMatchObject({
    run: { id: 'r1', state: 'done', ticks: [tick] }
  });
});

test('is over when Python says so', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/runs/r1', run('running'));
  shown = await show('run', transport, { run: 'r1' });
  expect(shown.el.textContent).toContain('Running');
  const reason = 'The run was lost.';
  shown.model.receive('snapshot', { run: run('failed', { reason }) });
  await rest();
  expect(shown.el.textContent).toContain('Failed');
  expect(shown.el.textContent).toContain(reason);
});

test('that ends without its ticks keeps what came', () => {
  const tick = { run: 'r1', t_s: 0.5, done: 3, rps: 6, errors: {} } as never;
  const state = new RunState(run('running'));
  state.advance([{ seq: 6, ts: 2, type: 'run.tick', data: tick }]);
  state.end(run('failed'));
  expect(state.run?.state).toBe('failed');
  expect(state.ticks.throughput()[0]).toEqual([0.5]);
  state.end(run('done', { ticks: [{ ...(tick as object), t_s: 1 } as never] }));
  expect(state.ticks.throughput()[0]).toEqual([1]);
});

test('what Python kept is not kept again', async () => {
  has(transport, environment());
  const done = run('done', { summary });
  shown = await show('run', transport, { run: 'r1' }, { run: done });
  await rest(1700);
  expect(shown.model.saved).toEqual([]);
  expect(transport.requests).toEqual([]);
  expect(shown.el.textContent).toContain('Done');
});

test('is stopped by its button', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/runs/r1', run('running'));
  transport.answers.set('DELETE /v1/environments/w/runs/r1', run('stopped'));
  shown = await show('run', transport, { run: 'r1' });
  button(shown.el, 'Stop').click();
  await rest();
  expect(transport.requests.at(-1)?.method).toBe('DELETE');
});

test('keeps the keyboard when it ends', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/runs/r1', run('running'));
  shown = await show('run', transport, { run: 'r1' });
  transport.stream.opened();
  button(shown.el, 'Stop').focus();
  transport.answers.set('GET /v1/environments/w/runs/r1', run('stopped'));
  transport.stream.events([
    { seq: 6, ts: 6, type: 'run.done', data: run('stopped') }
  ] as never);
  await rest();
  expect(shown.el.textContent).not.toContain('Stop the');
  expect(shown.el.querySelector('.sd-head button')).toBeNull();
  expect(shown.el.contains(document.activeElement)).toBe(true);
});
