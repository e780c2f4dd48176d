import type { StreamEvent } from '../../src/api/events';
import type { ActiveFault, Run, ServiceStatus } from '../../src/api/types';
import { Saves, spotOf } from '../../src/dashboard/saves';
import { Timeline } from '../../src/dashboard/timeline';

let seq = 0;

function event(
  type: StreamEvent['type'],
  ts: number,
  data: unknown
): StreamEvent {
  seq += 1;
  return { seq, ts, type, data } as StreamEvent;
}

const FAULT = {
  id: 'f1',
  fault: 'latency',
  name: 'Slow link',
  started_at: 10
} as unknown as ActiveFault;

const RUN = {
  id: 'r1',
  profile: 'browse',
  state: 'running',
  started_at: 20
} as Run;

function spans(timeline: Timeline): unknown[] {
  return timeline.marks.map(({ label, from, to }) => [label, from, to]);
}

describe('timeline', () => {
  test('a run somebody else began is marked at once, and named when it is known', () => {
    const timeline = new Timeline();
    const tick = event('run.tick', 21, { run: 'r1', t_s: 1 });
    timeline.advance([tick]);
    expect(spans(timeline)).toEqual([['run', 20, null]]);
    timeline.run(RUN);
    timeline.advance([tick]);
    expect(spans(timeline)).toEqual([['run browse', 20, null]]);
    const done = { ...RUN, state: 'done', summary: { duration_s: 15 } };
    timeline.advance([event('run.done', 36, done)]);
    expect(spans(timeline)).toEqual([['run browse', 20, 35]]);
  });

  test('a fault goes on until it is over', () => {
    const timeline = new Timeline();
    timeline.advance([event('fault.started', 10, FAULT)]);
    expect(spans(timeline)).toEqual([['fault: Slow link', 10, null]]);
    timeline.advance([event('fault.ended', 14, FAULT)]);
    expect(spans(timeline)).toEqual([['fault: Slow link', 10, 14]]);
  });

  test('a fault whose end nobody told is over when it is not listed', () => {
    const timeline = new Timeline();
    timeline.fault(FAULT);
    timeline.end('fault', ['f1'], 20);
    expect(spans(timeline)).toEqual([['fault: Slow link', 10, null]]);
    timeline.end('fault', [], 20);
    expect(spans(timeline)).toEqual([['fault: Slow link', 10, 20]]);
  });

  test('a run that was thought to be over goes on when it ticks', () => {
    const timeline = new Timeline();
    timeline.run(RUN);
    timeline.end('run', [], 30);
    const tick = event('run.tick', 31, { run: 'r1', t_s: 11 });
    timeline.advance([tick]);
    expect(spans(timeline)).toEqual([['run', 20, null]]);
  });

  test('one save of an editor is one mark', () => {
    const timeline = new Timeline();
    timeline.advance([
      event('file.saved', 5, { path: 'app/server.py' }),
      event('file.saved', 5.2, { path: 'app/server.py' }),
      event('file.saved', 9, { path: 'app/server.py' })
    ]);
    expect(spans(timeline)).toEqual([
      ['saved server.py', 5, 5],
      ['saved server.py', 9, 9]
    ]);
  });

  test('a check stretches from its start to its verdict', () => {
    const timeline = new Timeline();
    timeline.advance([
      event('check.result', 30, {}),
      event('check.result', 31, {})
    ]);
    expect(spans(timeline)).toEqual([['check', 30, null]]);
    const verdict = { status: 'failed', started_at: 25, duration_s: 8 };
    timeline.advance([event('verdict', 33, verdict)]);
    expect(spans(timeline)).toEqual([['check: not yet', 25, 33]]);
  });

  test('only what is not over before is drawn', () => {
    const timeline = new Timeline();
    timeline.fault(FAULT, 14);
    timeline.run(RUN);
    expect(timeline.since(15).map(({ kind }) => kind)).toEqual(['run']);
  });
});

describe('a saved file', () => {
  function app(state: string, reason = ''): ServiceStatus {
    return { name: 'app', kind: 'python', state, reason } as ServiceStatus;
  }

  test('shows the restart it causes, and how long it took', () => {
    const saves = new Saves();
    saves.saved('app/server.py', 10);
    saves.moved(app('restarting'), 10.1);
    expect(saves.last?.services).toMatchObject([
      { state: 'restarting', took: null }
    ]);
    saves.moved(app('ready'), 10.75);
    expect(saves.last?.services).toMatchObject([
      { state: 'ready', took: 0.75 }
    ]);
  });

  test('shows why a service does not start', () => {
    const saves = new Saves();
    saves.saved('app/server.py', 10);
    saves.moved(app('failed', 'app/server.py:12: invalid syntax'), 10.2);
    const [reaction] = saves.last?.services ?? [];
    expect(reaction).toMatchObject({ state: 'failed' });
    expect(spotOf(reaction?.reason ?? '')).toEqual({
      path: 'app/server.py',
      line: 12
    });
  });

  test('has nothing to do with what happens later, or with what stayed up', () => {
    const saves = new Saves();
    saves.saved('migrations/001.sql', 10);
    saves.moved(app('ready'), 10.1);
    saves.moved(app('failed'), 20);
    expect(saves.last?.services).toEqual([]);
  });

  test('a restart that ended while nobody listened has ended', () => {
    const saves = new Saves();
    saves.saved('app/server.py', 10);
    saves.moved(app('restarting'), 10.1);
    saves.follow([app('ready')]);
    expect(saves.last?.services).toMatchObject([
      { state: 'ready', took: null } // nobody saw when
    ]);
    saves.follow([app('failed', 'killed')]);
    expect(saves.last?.services).toMatchObject([{ state: 'ready' }]);
  });

  test.each(['database is gone', '12: no file', ''])(
    '"%s" names no line',
    reason => {
      expect(spotOf(reason)).toBeNull();
    }
  );
});
