/** A recording to look at: the lesson about indexes, before and after its fix. */

import type { StreamEvent } from '../src/api/events';
import type {
  CheckResult,
  EnvironmentStatus,
  MetricSeries,
  Run,
  RunTick,
  ServiceStatus,
  Verdict,
  WorkspaceDetail
} from '../src/api/types';

export const LESSON = 't1-02-indexes';
export const ID = 't1-02-indexes-4c1e09ab';
export const START = 1_780_000_000;

/** The same numbers every time, so that two pictures differ only where the code did. */
export function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

function service(
  name: string,
  kind: string,
  rest: Partial<ServiceStatus> = {}
): ServiceStatus {
  return {
    name,
    kind,
    state: 'ready',
    reason: '',
    url: null,
    cpus: name === 'db' ? 0.4 : 1,
    memory_bytes: 512 * 1024 ** 2,
    pid: 4242,
    ...rest
  };
}

export function environment(
  rest: Partial<EnvironmentStatus> = {}
): EnvironmentStatus {
  return {
    id: ID,
    lesson: LESSON,
    workspace: ID,
    runtime: 'embedded',
    state: 'ready',
    reason: '',
    progress: null,
    services: [service('db', 'postgres'), service('app', 'python')],
    links: [{ source: 'app', target: 'db', marked: false }],
    url: 'http://127.0.0.1:40123',
    migrations: [],
    pending: [],
    started_at: START,
    last_seq: 10,
    ...rest
  };
}

export const services = service;

export const PENDING = [
  { name: '001-category-price.sql', state: 'applied' },
  { name: '002-orders-customer.sql', state: 'changed' },
  { name: '003-products-name.sql', state: 'pending' }
];

/** A minute of CPU: idle, then a load that takes all the database may have. */
export function metrics(seconds = 60, from = START): MetricSeries {
  const random = noise(7);
  const series: MetricSeries = { ts: [], values: {} };
  const columns: Record<string, number[]> = {
    'db.cpu_cores': [],
    'app.cpu_cores': [],
    'db.memory_bytes': [],
    'app.memory_bytes': []
  };
  for (let second = 0; second < seconds; second += 1) {
    const busy = second >= 3;
    series.ts.push(from + second);
    columns['db.cpu_cores']?.push(
      busy ? 0.36 + 0.05 * random() : 0.01 * random()
    );
    columns['app.cpu_cores']?.push(
      busy ? 0.1 + 0.06 * random() : 0.02 * random()
    );
    columns['db.memory_bytes']?.push(97 * 1024 ** 2);
    columns['app.memory_bytes']?.push(46 * 1024 ** 2);
  }
  series.values = columns;
  return series;
}

export function ticks(run: string, seconds: number): RunTick[] {
  const random = noise(3);
  const made: RunTick[] = [];
  for (let index = 1; index <= seconds * 10; index += 1) {
    const t = index / 10;
    const warm = Math.min(t / 8, 1);
    const p50 = 240 + 620 * warm + 160 * random();
    const failed = t > 14 && random() < 0.12 ? 1 : 0;
    made.push({
      run,
      t_s: t,
      sent: 3,
      done: 2 + Math.round(random() * 2),
      rps: 19 + 9 * random() + 12 * (1 - warm),
      in_flight: 16,
      errors: failed ? { timeout: failed } : {},
      p50_ms: p50,
      p95_ms: p50 * (1.8 + 0.5 * random()),
      p99_ms: p50 * (2.4 + 0.9 * random()),
      lag_p99_ms: 0.1 + 0.25 * random()
    });
  }
  return made;
}

export function run(seconds: number, done: boolean): Run {
  return {
    id: 'run-0007',
    profile: 'browse',
    seed: 1,
    scale: 1,
    traffic: '5f0c6d1e',
    state: done ? 'done' : 'running',
    started_at: START,
    reason: '',
    ticks: ticks('run-0007', seconds),
    metrics: metrics(seconds),
    summary: done
      ? {
          duration_s: seconds,
          requests: 742,
          ok: 731,
          rps: 24.7,
          errors: { timeout: 9, http_500: 2 },
          p50_ms: 861,
          p95_ms: 1920,
          p99_ms: 2480,
          max_ms: 5001,
          lag_p99_ms: 0.31,
          generator_cpu: 0.04,
          generator_limited: false,
          warning: '',
          distribution: [],
          endpoints: {
            category: {
              requests: 512,
              errors: { timeout: 9 },
              p50_ms: 1010,
              p95_ms: 2050,
              p99_ms: 2710,
              max_ms: 5001,
              distribution: []
            },
            'order history': {
              requests: 148,
              errors: { http_500: 2 },
              p50_ms: 640,
              p95_ms: 1380,
              p99_ms: 1710,
              max_ms: 2210,
              distribution: []
            },
            product: {
              requests: 82,
              errors: {},
              p50_ms: 8.42,
              p95_ms: 38.1,
              p99_ms: 61,
              max_ms: 80.7,
              distribution: []
            }
          }
        }
      : null
  };
}

let seq = 10;

export function event<Type extends StreamEvent['type']>(
  type: Type,
  data: Extract<StreamEvent, { type: Type }>['data'],
  ts = START + 60
): StreamEvent {
  seq += 1;
  return { seq, ts, type, data } as StreamEvent;
}

const passed: CheckResult[] = [
  {
    id: 'results-equal',
    title: 'Listings show the same products as before',
    status: 'passed',
    measured: '200 of 200 listings equal',
    required: 'all equal',
    why: '',
    points: 20,
    max_points: 20,
    kind: 'slo',
    evidence: {}
  },
  {
    id: 'insert-throughput',
    title: 'Writing stays cheap',
    status: 'passed',
    measured: '0.91 × of before',
    required: 'at least 0.7 ×',
    why: '',
    points: 15,
    max_points: 15,
    kind: 'slo',
    evidence: {}
  }
];

const failed: CheckResult = {
  id: 'category-buffers',
  title: 'A category page reads little',
  status: 'failed',
  measured: '312 blocks per row',
  required: 'at most 4 blocks per row',
  why: 'The database still reads thousands of rows of other categories to find the twenty that it shows.',
  points: 0,
  max_points: 25,
  kind: 'slo',
  evidence: {}
};

const unknown: CheckResult = {
  id: 'category-p95',
  title: 'A category page is fast under load',
  status: 'unknown',
  measured: '–',
  required: 'p95 at most a tenth of before',
  why: 'The load generator was late, so this says nothing about your fix.',
  points: 0,
  max_points: 20,
  kind: 'slo',
  evidence: {}
};

export const RESULTS = [...passed, failed, unknown];

export const EXPECTED = [
  ...RESULTS.map(({ id, title }) => ({ id, title })),
  { id: 'index-size', title: 'Indexes take little room' }
];

export function verdict(good: boolean): Verdict {
  const checks = good
    ? [
        ...passed,
        {
          ...failed,
          status: 'passed' as const,
          measured: '1.3 blocks per row',
          why: '',
          points: 25
        },
        {
          ...unknown,
          status: 'passed' as const,
          measured: '0.02 × of before',
          why: '',
          points: 20
        }
      ]
    : RESULTS;
  return {
    lesson: LESSON,
    status: good ? 'passed' : 'failed',
    checks,
    points: checks.reduce((total, check) => total + check.points, 0),
    max_points: 80,
    seed: 918273,
    started_at: START,
    duration_s: 41.2,
    drift: good
      ? { drifted: false, differences: [] }
      : {
          drifted: true,
          differences: [
            '+ CREATE INDEX products_category_price ON products (category, price)',
            '- CREATE INDEX products_price_category ON products (price, category)'
          ]
        },
    reason: '',
    whole: true
  };
}

export function workspace(): WorkspaceDetail {
  return {
    id: ID,
    lesson: LESSON,
    folder: '/home/you/sysdesign/t1-02-indexes',
    notebook: 'lesson.ipynb',
    has_services: true,
    files: [],
    editable: [],
    answers: {},
    open_steps: [
      'symptoms',
      'understand',
      'diagnose',
      'options',
      'fix',
      'verify'
    ],
    checks_passed: 0,
    checks_total: 4,
    questions_total: 9,
    finished: false,
    solutions: {},
    notices: []
  };
}

export const LOG_LINES = [
  ['db', 'LOG:  database system is ready to accept connections'],
  ['app', 'INFO:     Application startup complete.'],
  [
    'app',
    'INFO:     "GET /products?category=garden&max_price=40 HTTP/1.1" 200 OK'
  ],
  [
    'db',
    'LOG:  duration: 1204.113 ms  statement: SELECT id, name, price FROM products WHERE category = $1 AND price <= $2 ORDER BY price LIMIT 20'
  ],
  ['app', 'WARNING:  category listing took 1.21 s (budget 0.2 s)'],
  ['app', 'ERROR:    Exception in ASGI application'],
  ['app', '  File "app/server.py", line 41, in category'],
  ['app', 'TimeoutError: canceling statement due to statement timeout'],
  ['app', 'INFO:     "GET /products/81723 HTTP/1.1" 200 OK']
].map(([service = '', line = ''], index) => ({
  ts: START + index * 0.7,
  service,
  line
}));
