import type {
  EnvironmentStatus,
  RunTick,
  ServiceStatus
} from '../../src/api/types';
import { MetricStore } from '../../src/charts/store';
import { dataOf } from '../../src/dashboard/Chart';
import { chartList } from '../../src/dashboard/chartlist';
import { CLIENTS, ClientSeries } from '../../src/dashboard/clients';
import { entries, flow } from '../../src/dashboard/flows';

function service(
  name: string,
  kind: string,
  url: string | null = null
): ServiceStatus {
  return { name, kind, state: 'ready', reason: '', url, cpus: 0.5 };
}

const SERVICES = [
  service('lb', 'haproxy', 'http://127.0.0.1:1'),
  service('app', 'python'),
  service('db', 'postgres')
];

const STATUS = {
  services: SERVICES,
  links: [
    { source: 'lb', target: 'app', marked: false },
    { source: 'app', target: 'db', marked: false }
  ]
} as unknown as EnvironmentStatus;

const NAMES = [
  'lb.queued',
  'app.requests_per_s',
  'app.errors_per_s',
  'app.latency_p95_ms',
  'app.jobs_waiting',
  'db.connections_active',
  'db.connections_max',
  'db.seq_scans_per_s',
  'db.cpu_cores',
  'db.cpu_quota_cores',
  'db.memory_bytes'
];

describe('charts', () => {
  test('no two have one name, whatever a lesson is about', () => {
    const all = [...NAMES, 'db.connections_total'];
    const { first, more } = chartList(
      SERVICES,
      all,
      ['db.connections_total'],
      null
    );
    const titles = [...first, ...more].map(({ title }) => title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  const ids = (wanted: readonly string[]): string[] =>
    chartList(SERVICES, NAMES, wanted, null).first.map(({ id }) => id);

  test('what the lesson names comes first, after what clients see', () => {
    expect(ids(['db.seq_scans_per_s', 'app.latency_p95_ms'])).toEqual([
      'clients latency',
      'clients throughput',
      'db scans',
      'app latency',
      'cpu',
      'lb queue',
      'db connections'
    ]);
  });

  test('a metric without a family is drawn by itself, under its words', () => {
    const { first } = chartList(SERVICES, NAMES, ['app.jobs_waiting'], null);
    expect(first[2]).toMatchObject({
      id: 'app.jobs_waiting',
      title: 'Jobs waiting · app'
    });
  });

  test('a metric the lesson names has its chart before it is measured', () => {
    expect(ids(['app.workers_busy'])).toContain('app.workers_busy');
  });

  test('every metric is in some chart, and no chart comes twice', () => {
    const { first, more } = chartList(SERVICES, NAMES, ['db.cpu_cores'], null);
    const all = [...first, ...more];
    const drawn = all.flatMap(({ lines }) =>
      lines.flatMap(({ metric, over }) => [metric, over])
    );
    expect(drawn).toEqual(expect.arrayContaining(NAMES));
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
  });

  test('CPU is a share of each quota; of one service cores against it', () => {
    const cpu = chartList(SERVICES, NAMES, [], null).first.find(
      ({ id }) => id === 'cpu'
    );
    expect(cpu?.limit?.value).toBe(1);
    expect(cpu?.lines.map(({ over }) => over)).toEqual(
      SERVICES.map(({ name }) => `${name}.cpu_quota_cores`)
    );
    const [own] = chartList(SERVICES, NAMES, [], 'db').first;
    expect(own?.lines.map(({ metric }) => metric)).toEqual([
      'db.cpu_cores',
      'db.cpu_quota_cores'
    ]);
  });

  test('a share is one of the quota of its time', () => {
    const cpu = chartList(SERVICES, NAMES, [], null).first.find(
      ({ id }) => id === 'cpu'
    );
    const store = new MetricStore(60);
    store.add(1, { 'db.cpu_cores': 0.2, 'db.cpu_quota_cores': 0.4 });
    store.add(2, { 'db.cpu_cores': 0.1, 'db.cpu_quota_cores': 0.1 });
    store.add(3, { 'db.cpu_cores': 0.3 }); // none any more: of one core
    const line = SERVICES.findIndex(({ name }) => name === 'db');
    const data = cpu && dataOf(cpu, store, [0, 4]);
    expect(data?.[line + 1]).toEqual([0.5, 1, 0.3]);
  });

  test('one service alone has only its own', () => {
    const wanted = ['app.latency_p95_ms'];
    const { first, more } = chartList(SERVICES, NAMES, wanted, 'db');
    for (const { lines } of [...first, ...more]) {
      for (const { metric } of lines) {
        expect(metric).toMatch(/^db\./);
      }
    }
  });
});

describe('flows', () => {
  const from =
    (values: Record<string, number>) =>
    (name: string): number | null =>
      values[name] ?? null;

  test('clients ask what is published', () => {
    expect(entries(STATUS)).toEqual(['lb']);
    const inner = {
      ...STATUS,
      services: SERVICES.slice(1),
      links: STATUS.links.slice(1)
    };
    expect(entries(inner)).toEqual(['app']);
  });

  test('a load balancer tells what goes to each server', () => {
    const latest = from({
      'lb.server.app.requests_per_s': 40,
      'app.requests_per_s': 90,
      'app.latency_p95_ms': 12
    });
    expect(flow(STATUS, 'lb', 'app', latest)).toEqual({
      per_s: 40,
      ms: 12,
      shared: false,
      cut: ''
    });
  });

  test('figures of all who ask are said to be that', () => {
    const two = {
      ...STATUS,
      links: [...STATUS.links, { source: 'lb', target: 'db', marked: false }]
    };
    const latest = from({ 'db.transactions_per_s': 7 });
    expect(flow(STATUS, 'app', 'db', latest).shared).toBe(false);
    expect(flow(two, 'app', 'db', latest)).toMatchObject({
      per_s: 7,
      shared: true
    });
  });

  test('what nobody measured is nothing, not zero', () => {
    expect(flow(STATUS, 'app', 'db', () => null)).toEqual({
      per_s: null,
      ms: null,
      shared: false,
      cut: ''
    });
  });

  test('nothing flows where an end does not run, whatever was measured last', () => {
    const latest = from({
      'app.requests_per_s': 40,
      'db.transactions_per_s': 7
    });
    const crashed = {
      ...STATUS,
      services: STATUS.services.map(each =>
        each.name === 'app' ? { ...each, state: 'failed' as const } : each
      )
    };
    const gone = { per_s: null, ms: null, shared: false, cut: 'app' };
    expect(flow(crashed, 'lb', 'app', latest)).toEqual(gone);
    expect(flow(crashed, 'app', 'db', latest)).toEqual(gone);
    expect(flow(STATUS, 'app', 'db', latest).per_s).toBe(7);
  });
});

describe('what clients see', () => {
  function tick(t_s: number, rest: Partial<RunTick> = {}): RunTick {
    return {
      run: 'r',
      t_s,
      sent: 10,
      done: 10,
      rps: 100,
      in_flight: 3,
      errors: {},
      p50_ms: 10,
      p95_ms: 20,
      p99_ms: 30,
      lag_p99_ms: 0,
      ...rest
    };
  }

  test('ticks are gathered into seconds, weighted by requests', () => {
    const series = new ClientSeries(100);
    for (let index = 1; index <= 10; index += 1) {
      series.add(tick(index / 10), 1000 + (index - 1) / 10);
    }
    const more = { done: 30, rps: 200, errors: { timeout: 10 }, p95_ms: 40 };
    series.add(tick(1.1, more), 1001);
    series.add(tick(1.2), 1001.1);
    series.close();
    const at = (name: string): unknown => series.store.window([name], 0)[1];
    expect(series.store.window([CLIENTS.rps], 0)[0]).toEqual([1001, 1002]);
    expect(at(CLIENTS.rps)).toEqual([expect.closeTo(100), 150]);
    expect(at(CLIENTS.errors)).toEqual([0, 50]);
    expect(at(CLIENTS.p95)).toEqual([20, 35]);
    expect(series.failed).toBe(10);
  });

  test('a tick after a stall is of all the time since', () => {
    const series = new ClientSeries(100);
    series.add(tick(0.6, { done: 60 }), 1000);
    series.add(tick(1, { done: 40 }), 1000.4);
    series.close();
    expect(series.store.latest(CLIENTS.rps)).toBeCloseTo(100);
  });

  test('a tick that came twice counts once', () => {
    const series = new ClientSeries(100);
    series.add(tick(0.1, { errors: { timeout: 1 } }), 1000);
    series.add(tick(0.1, { errors: { timeout: 1 } }), 1000);
    expect(series.failed).toBe(1);
  });
});
