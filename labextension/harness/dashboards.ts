/** Dashboards in the states worth looking at. */

import { ApiError } from '../src/api/problem';
import type {
  EnvironmentStatus,
  FaultDescription,
  LessonDetail,
  MetricSeries,
  Run
} from '../src/api/types';
import type { IFakeAnswers } from './fake';
import {
  environment,
  event,
  ID,
  LESSON,
  LOG_LINES,
  noise,
  PENDING,
  RESULTS,
  run,
  services,
  START,
  ticks,
  verdict,
  workspace
} from './fixtures';

export interface IDashboardScene {
  /** Each is a picture of its own. */
  group: string;
  name: string;
  given: IFakeAnswers;
  /** Buttons and tabs to press, by their text or `data-service`. */
  press?: readonly string[];
}

const ENV = `GET /v1/environments/${ID}`;
const NOW = START + 300;

const SHOP: EnvironmentStatus = environment({
  services: [
    services('lb', 'haproxy', { cpus: 0.5, url: 'http://127.0.0.1:40123' }),
    services('app1', 'python', { cpus: 0.5 }),
    services('app2', 'python', { cpus: 0.5 }),
    services('cache', 'valkey', { cpus: 0.5 }),
    services('db', 'postgres', { cpus: 0.3 })
  ],
  links: [
    { source: 'lb', target: 'app1', marked: false },
    { source: 'lb', target: 'app2', marked: false },
    { source: 'app1', target: 'cache', marked: false },
    { source: 'app2', target: 'cache', marked: false },
    { source: 'app1', target: 'db', marked: true },
    { source: 'app2', target: 'db', marked: true }
  ]
});

/** Five minutes of a shop: quiet, loaded, then with a slow link. */
function shopMetrics(): MetricSeries {
  const random = noise(11);
  const series: MetricSeries = { ts: [], values: {} };
  const put = (name: string, value: number): void => {
    (series.values[name] ??= []).push(value);
  };
  for (let second = 0; second <= 300; second += 1) {
    const load = second > 30 && second < 110 ? 1 : second >= 170 ? 1 : 0;
    const slow = second >= 240 ? 1 : 0;
    const wave = 1 + 0.12 * Math.sin(second / 7) + 0.08 * random();
    series.ts.push(START + second);
    const rps = load * (slow ? 48 : 96) * wave;
    put('lb.requests_per_s', rps);
    put('lb.errors_per_s', slow * 2.4 * random());
    put('lb.retries_per_s', slow * random());
    put('lb.queued', load * (slow ? 14 : 2) * random());
    put('lb.sessions', load * 24 * wave);
    for (const [index, app] of ['app1', 'app2'].entries()) {
      const part = (index ? 0.48 : 0.52) * rps;
      put(`lb.server.${app}.requests_per_s`, part);
      put(`lb.server.${app}.up`, 1);
      put(`${app}.requests_per_s`, part);
      put(`${app}.errors_per_s`, slow * 1.2 * random());
      const p50 = load * (slow ? 260 : 42) * wave;
      put(`${app}.latency_p50_ms`, p50);
      put(`${app}.latency_p95_ms`, p50 * (2.1 + 0.3 * random()));
      put(`${app}.latency_p99_ms`, p50 * (2.9 + 0.6 * random()));
      put(`${app}.cpu_cores`, 0.01 + load * 0.21 * wave);
      put(`${app}.cpu_quota_cores`, 0.5);
      put(`${app}.memory_bytes`, (58 + index) * 1024 ** 2);
    }
    put('lb.cpu_cores', 0.004 + load * 0.03 * wave);
    put('lb.cpu_quota_cores', 0.5);
    put('lb.memory_bytes', 18 * 1024 ** 2);
    put('cache.cpu_cores', 0.003 + load * 0.02 * wave);
    put('cache.cpu_quota_cores', 0.5);
    put('cache.memory_bytes', 9 * 1024 ** 2);
    put('cache.ops_per_s', rps * 1.6);
    put('cache.hit_ratio', 0.72 + 0.08 * wave * load);
    put('db.cpu_cores', load ? Math.min(0.3, 0.27 + 0.04 * random()) : 0.004);
    put('db.cpu_quota_cores', 0.3);
    put('db.memory_bytes', 142 * 1024 ** 2);
    put('db.connections_active', load * (4 + 3 * random()));
    put('db.connections_idle', 10 - load * 4);
    put('db.connections_idle_in_transaction', slow * 2);
    put('db.connections_waiting', slow * 3 * random());
    put('db.connections_max', 30);
    put('db.seq_scans_per_s', rps * 0.3);
    put('db.index_scans_per_s', rps * 0.5);
    put('db.blocks_per_s', rps * 900);
    put('db.blocks_read_per_s', rps * 4);
    put('db.cache_hit_ratio', 0.99);
    put('db.transactions_per_s', rps * 0.8);
    put('db.rollbacks_per_s', 0);
    put('db.slowest_statement_ms', load * 31 * wave);
  }
  return series;
}

const LESSON_DETAIL: LessonDetail = {
  id: LESSON,
  title: 'Indexes and slow queries',
  track: 1,
  tier: 'crawling',
  minutes: 60,
  concepts: ['index'],
  summary: '',
  has_services: true,
  objectives: [],
  recap: '',
  bridge: '',
  editable: ['app/server.py', 'migrations/*.sql'],
  charts: ['app1.latency_p95_ms', 'db.cpu_cores', 'db.seq_scans_per_s'],
  profiles: ['browse', 'steady'],
  questions: [],
  steps: [],
  step_titles: {},
  hints: []
};

const PROFILES = {
  browse: {
    description:
      '60 customers look around the shop; each clicks again as soon as the answer is there',
    mode: 'closed',
    connections: 60,
    duration_s: 150,
    mix: [
      { name: 'budget', weight: 45 },
      { name: 'category', weight: 25 },
      { name: 'history', weight: 15 },
      { name: 'product', weight: 10 },
      { name: 'order', weight: 5 }
    ]
  },
  rush: {
    description: 'A sale begins',
    mode: 'open',
    stages: [
      { duration_s: 20, rate: 40 },
      { duration_s: 30, rate: 160, ramp: true },
      { duration_s: 30, rate: 160 },
      { duration_s: 20, rate: 20, ramp: true }
    ],
    mix: [
      { name: 'budget', weight: 3 },
      { name: 'product', weight: 7 }
    ]
  }
};

const FAULTS: readonly FaultDescription[] = [
  {
    id: 'link-latency',
    name: 'Slow link',
    description: 'Every packet of this link takes longer.',
    expect:
      'Latency of whoever asks over it rises by twice the delay; its connections are held longer.',
    target: 'link',
    kinds: [],
    one_shot: false,
    arguments: {
      type: 'object',
      required: ['delay_ms'],
      properties: {
        delay_ms: {
          type: 'number',
          title: 'Delay, ms',
          description: 'one way',
          default: 200,
          minimum: 1,
          maximum: 10000
        },
        jitter_ms: { type: 'number', title: 'Jitter, ms', minimum: 0 },
        direction: { enum: ['both', 'there', 'back'], default: 'both' }
      }
    }
  },
  {
    id: 'kill',
    name: 'Kill',
    description: 'Ends the process at once.',
    expect: 'It is started again.',
    target: 'service',
    kinds: [],
    one_shot: true,
    arguments: { type: 'object', properties: {} }
  }
];

const SLOW_LINK = {
  id: 'fault-1',
  fault: 'link-latency',
  name: 'Slow link',
  service: null,
  link: { source: 'app1', target: 'db' },
  arguments: { delay_ms: 200 },
  state: 'active' as const,
  evidence: 'a connection took 203 ms',
  started_at: START + 240,
  ends_at: null,
  ended_at: null,
  reason: '',
  schedule: null
};

function going(): Run {
  return {
    ...run(0, false),
    id: 'run-2',
    profile: 'browse',
    started_at: START + 170,
    ticks: ticks('run-2', 130),
    metrics: null
  };
}

function past(): Run[] {
  return [run(30, true), run(30, true), run(24, true)].map((each, index) => ({
    ...each,
    id: `past-${index}`,
    profile: index === 1 ? 'custom' : 'browse',
    started_at: START + 30 + 20 * index - 60,
    ticks: [],
    metrics: null
  }));
}

function answers(
  status: EnvironmentStatus,
  rest: IFakeAnswers['answers'] = {}
): IFakeAnswers['answers'] {
  const runs = [...past(), going()];
  return {
    [ENV]: status,
    [`${ENV}/metrics`]: shopMetrics(),
    [`${ENV}/runs`]: runs.map(each => ({ ...each, ticks: [] })),
    [`${ENV}/runs/run-2`]: going(),
    ...Object.fromEntries(
      past().map((each, index) => [
        `${ENV}/runs/${each.id}`,
        { ...each, ticks: ticks(each.id, 30 - 3 * index) }
      ])
    ),
    [`${ENV}/profiles`]: { profiles: PROFILES },
    [`${ENV}/checks`]: {
      declared: RESULTS.map(({ id }) => id),
      going: false,
      results: RESULTS,
      verdict: verdict(false)
    },
    [`${ENV}/faults`]: { faults: [SLOW_LINK] },
    [`${ENV}/logs`]: {
      lines: [...LOG_LINES, ...LOG_LINES, ...LOG_LINES].map((line, index) => ({
        ...line,
        ts: NOW - 30 + index
      }))
    },
    'GET /v1/faults': { faults: FAULTS },
    [`GET /v1/workspaces/${ID}`]: { ...workspace(), path: 'sysdesign' },
    [`GET /v1/lessons/${LESSON}`]: LESSON_DETAIL,
    ...rest
  };
}

const QUIET = {
  [`${ENV}/runs`]: [],
  [`${ENV}/faults`]: { faults: [] }
};

export const DASHBOARDS: readonly IDashboardScene[] = [
  {
    group: 'dashboard',
    name: 'under load, with a slow link',
    given: {
      answers: answers({
        ...SHOP,
        migrations: [{ name: '001-index.sql', state: 'applied' }]
      }),
      events: [
        event('file.saved', { path: 'app/server.py' }, START + 265),
        event(
          'service.state',
          services('app1', 'python', { cpus: 0.5, state: 'restarting' }),
          START + 265.1
        ),
        event(
          'service.state',
          services('app1', 'python', { cpus: 0.5 }),
          START + 265.7
        )
      ]
    },
    press: ['5 min']
  },
  {
    group: 'dashboard-faults',
    name: 'faults, one service looked at',
    given: { answers: answers(SHOP) },
    press: ['5 min', 'Faults', 'data-service=db']
  },
  {
    group: 'dashboard-shape',
    name: 'a shape of one’s own, runs laid over each other',
    given: {
      answers: answers(SHOP, { ...QUIET, [`${ENV}/runs`]: past() })
    },
    press: ['Shape it', 'Add a stage', 'row 0', 'row 1']
  },
  {
    group: 'dashboard-trouble',
    name: 'syntax error, checks, connection lost',
    given: {
      answers: answers(
        environment({
          state: 'degraded',
          migrations: PENDING,
          services: [
            services('db', 'postgres', { cpus: 0.3 }),
            services('app', 'python', {
              state: 'failed',
              reason: "app/server.py:12: invalid syntax: expected ':'"
            })
          ]
        }),
        QUIET
      ),
      events: [
        event('file.saved', { path: 'app/server.py' }, NOW - 1),
        event(
          'service.state',
          services('app', 'python', {
            state: 'failed',
            reason: "app/server.py:12: invalid syntax: expected ':'"
          }),
          NOW
        )
      ],
      lost: true
    },
    press: ['Checks']
  },
  {
    group: 'dashboard-rest',
    name: 'not started yet',
    given: {
      answers: {
        'GET /v1/environments': [],
        [`GET /v1/workspaces/${ID}`]: workspace(),
        [`GET /v1/lessons/${LESSON}`]: LESSON_DETAIL
      }
    }
  },
  {
    group: 'dashboard-rest',
    name: 'failed to start',
    given: {
      answers: answers(
        environment({
          state: 'failed',
          url: null,
          reason:
            'db did not come up within 20 s. Its last lines:\nFATAL:  could not create shared memory segment: No space left on device',
          services: [
            services('db', 'postgres', {
              state: 'failed',
              reason: 'exited with status 1'
            }),
            services('app', 'python', { state: 'stopped' })
          ]
        }),
        { ...QUIET, [`${ENV}/metrics`]: { ts: [], values: {} } }
      )
    }
  },
  {
    group: 'dashboard-rest',
    name: 'workspace gone',
    given: {
      answers: {
        [`GET /v1/workspaces/${ID}`]: new ApiError(
          'There is no workspace t1-02-indexes-4c1e09ab.',
          'not_found',
          404,
          'Open the lesson again.'
        )
      }
    }
  }
];
