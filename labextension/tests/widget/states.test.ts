import type { StreamEvent } from '../../src/api/events';
import type { CheckResult, Verdict } from '../../src/api/types';
import { LogLines, severity } from '../../src/widget/logs/lines';
import { advance as panel, spoken, Usage } from '../../src/widget/panel/state';
import {
  advance as judge,
  outstanding,
  stored
} from '../../src/widget/verdict/state';
import { environment, service } from '../environment';

function event<Type extends StreamEvent['type']>(
  type: Type,
  data: Extract<StreamEvent, { type: Type }>['data'],
  ts = 100
): StreamEvent {
  return { seq: 1, ts, type, data } as StreamEvent;
}

describe('panel', () => {
  const before = environment({ services: [service('db'), service('app')] });

  test('a service changes in its place', () => {
    const after = panel({ status: before, saved: null }, [
      event('service.state', service('app', { state: 'restarting' })),
      event('file.saved', { path: 'app/server.py' })
    ]);
    expect(after.status?.services.map(({ state }) => state)).toEqual([
      'ready',
      'restarting'
    ]);
    expect(after.saved).toEqual({ path: 'app/server.py', ts: 100 });
  });

  test('what changed is said', () => {
    const after = environment({
      services: [service('db'), service('app', { state: 'failed' })]
    });
    expect(spoken(before, after)).toBe('app: Failed');
    expect(spoken(before, { ...before, state: 'stopping' })).toBe(
      'Environment: Stopping'
    );
    expect(spoken(null, before)).toBe('');
    expect(spoken(before, before)).toBe('');
  });

  test('CPU and memory by service, from history and samples', () => {
    const usage = new Usage();
    usage.load({
      ts: [1, 2],
      values: {
        'db.cpu_cores': [0.1, null],
        'db.memory_bytes': [5, 6],
        'db.connections_active': [1, 1]
      }
    });
    usage.add(3, { 'db.cpu_cores': 0.3, 'app.cpu_cores': 0.2 });
    expect(usage.cpu('db')).toEqual([0.1, null, 0.3]);
    expect(usage.latestCpu('app')).toBe(0.2);
    expect(usage.memory('db')).toBe(6);
    expect(usage.cpu('nobody')).toEqual([]);
    usage.load({ ts: [], values: {} }); // of another environment
    expect(usage.latestCpu('db')).toBeNull();
    expect(usage.memory('db')).toBeNull();
  });
});

describe('verdict', () => {
  const result = (id: string): CheckResult => ({
    id,
    title: id,
    status: 'passed',
    measured: '',
    required: '',
    why: '',
    points: 1,
    max_points: 1,
    kind: 'slo',
    evidence: {}
  });
  const expected = ['a', 'b'].map(id => ({ id, title: id }));

  test('results of an earlier check are left out', () => {
    const state = judge(
      { results: [], verdict: null, waits: false },
      [
        event('check.result', result('a'), 50),
        event('check.result', result('b'), 150)
      ],
      100
    );
    expect(state.results.map(({ id }) => id)).toEqual(['b']);
    expect(outstanding(expected, state).map(({ id }) => id)).toEqual(['a']);
  });

  test('one that waits for its turn does so until it has a result', () => {
    const before = { results: [], verdict: null, waits: false };
    const waits = judge(before, [event('check.waits', { check: 'a' }, 1)], 0);
    expect(waits.waits).toBe(true);
    expect(judge(waits, [event('check.result', result('a'), 2)], 0).waits).toBe(
      false
    );
  });

  test('the verdict has the last word', () => {
    const verdict = { checks: [result('a')], status: 'passed' } as Verdict;
    const state = judge(
      { results: [result('b')], verdict: null, waits: true },
      [event('verdict', verdict)],
      0
    );
    expect(state.results.map(({ id }) => id)).toEqual(['a']);
    expect(state.waits).toBe(false);
    expect(outstanding(expected, state)).toEqual([]);
    expect(stored(undefined, verdict).results).toHaveLength(1);
    expect(stored(undefined, undefined)).toEqual({
      results: [],
      verdict: null,
      waits: false
    });
  });
});

describe('logs', () => {
  const line = (
    ts: number,
    text: string,
    name = 'app'
  ): { ts: number; service: string; line: string } => ({
    ts,
    service: name,
    line: text
  });

  test('what was fetched and then told as well is shown once', () => {
    const lines = new LogLines();
    lines.load([line(1, 'a'), line(2, 'b')]);
    expect(lines.add([line(1, 'a'), line(2, 'b'), line(3, 'b')])).toEqual([
      line(3, 'b')
    ]);
    lines.load([line(3, 'b'), line(4, 'c')]);
    expect(lines.select({ service: null, search: '' })).toEqual([
      line(3, 'b'),
      line(4, 'c')
    ]);
  });

  test('the same line again is another line', () => {
    const lines = new LogLines();
    expect(lines.add([line(5, 'GET /'), line(5, 'GET /')])).toHaveLength(2);
  });

  test('by service and by text, whatever its case', () => {
    const lines = new LogLines();
    lines.add([line(1, 'Error here'), line(2, 'fine'), line(3, 'error', 'db')]);
    expect(lines.services).toEqual(['app', 'db']);
    expect(lines.select({ service: 'app', search: 'ERROR' })).toEqual([
      line(1, 'Error here')
    ]);
    expect(lines.select({ service: null, search: '' })).toHaveLength(3);
  });

  test('only the newest are kept', () => {
    const lines = new LogLines(10);
    for (let index = 0; index < 100; index += 1) {
      lines.add([line(index, String(index))]);
    }
    const kept = lines.select({ service: null, search: '' });
    expect(kept).toHaveLength(10);
    expect(kept.at(-1)?.line).toBe('99');
  });

  test('how bad a line is, by the words servers use', () => {
    expect(severity('FATAL:  too many clients')).toBe('bad');
    expect(severity('WARNING:  slow')).toBe('warn');
    expect(severity('GET /errors 200')).toBe('');
  });
});
