/** Every view in the states worth looking at. */

import { isRecord } from '../src/api/guards';
import { ApiError } from '../src/api/problem';
import type { IFakeAnswers } from './fake';
import {
  environment,
  event,
  EXPECTED,
  ID,
  LESSON,
  LOG_LINES,
  metrics,
  PENDING,
  RESULTS,
  run,
  services,
  START,
  ticks,
  verdict,
  workspace
} from './fixtures';

export interface IScene {
  /** Scenes of a group are one picture. */
  group:
    | 'panel'
    | 'run'
    | 'question'
    | 'answered'
    | 'verdict'
    | 'logs'
    | 'simulation';
  name: string;
  kind: string;
  props?: Record<string, unknown>;
  snapshot?: Record<string, unknown>;
  given: IFakeAnswers;
}

const ENV = `GET /v1/environments/${ID}`;
const METRICS = `GET /v1/environments/${ID}/metrics`;
const RUN = `GET /v1/environments/${ID}/runs/run-0007`;
const WORKSPACE = `GET /v1/workspaces/${ID}`;

export const BASE_PROPS = {
  lesson: LESSON,
  title: 'Indexes: a listing that takes seconds',
  workspace: ID,
  environment: ID
};

function at(status = environment()): IFakeAnswers['answers'] {
  return { [ENV]: status, [METRICS]: metrics(), [WORKSPACE]: workspace() };
}

function question(rest: Record<string, unknown>): Record<string, unknown> {
  return { question: { id: 'q', step: 'diagnose', points: 1, ...rest } };
}

function answered(rest: Record<string, unknown>): Record<string, unknown> {
  return {
    answered_at: START,
    skipped: false,
    correct: null,
    score: null,
    feedback: '',
    model_answer: null,
    attempts: 1,
    first_score: null,
    ...rest
  };
}

const CHOICE = question({
  kind: 'comprehend',
  form: 'choice',
  title: 'Which one is used?',
  prompt:
    "The table has one index, on `(price, category)`. Which part of this question can the database answer from its *order*?\n\n```sql\nSELECT id, name, price FROM products\nWHERE category = 'garden' AND price <= 40 ORDER BY price LIMIT 20;\n```",
  options: [
    { id: 'a', text: '`category = …` alone: the category comes second' },
    { id: 'b', text: '`price <= …` and `ORDER BY price`' },
    { id: 'c', text: 'Both conditions at once' }
  ]
});

const EVIDENCE = question({
  kind: 'evidence',
  form: 'choice',
  prompt: 'Which of these proves it?',
  claim: 'The time goes into reading rows that are **thrown away**.',
  pick: 1,
  options: [
    {
      id: 'scan',
      source: 'plan',
      text: "->  Parallel Seq Scan on products  (actual rows=212 loops=3)\n      Filter: ((category = 'garden') AND (price <= 40))\n      Rows Removed by Filter: 99788"
    },
    {
      id: 'sort',
      source: 'plan',
      text: '->  Sort  (actual time=1198.2..1198.3 rows=20)\n      Sort Key: price\n      Sort Method: top-N heapsort  Memory: 26kB'
    },
    {
      id: 'log',
      source: 'log',
      text: 'LOG:  duration: 1204.113 ms  statement: SELECT id, name, price …'
    },
    { id: 'cpu', source: 'metric', text: '`db.cpu_cores` at its quota of 0.4' }
  ]
});

const TRADEOFF = question({
  kind: 'tradeoff',
  form: 'defend',
  title: 'Which index?',
  prompt: 'Three ways are on the table. Choose one, and defend it.',
  min_words: 8,
  options: [
    { id: 'cp', text: '`(category, price)`' },
    { id: 'pc', text: '`(price, category)`, and keep the one there is' },
    { id: 'all', text: 'One index on every column' }
  ]
});

const REFLECT = question({
  kind: 'reflect',
  form: 'prose',
  title: 'Nine sites',
  prompt:
    'No confirmed order may be lost, and work must go on when **three of the nine sites** have failed.',
  min_words: 25,
  claims: [
    {
      id: 'behaviour',
      text: 'What may a failed site do?',
      options: [
        { id: 'stops', text: 'It stops, or cannot be reached' },
        { id: 'lies', text: 'Anything: it may say false things' }
      ]
    },
    {
      id: 'failures',
      text: 'How many such sites at the same time does it stand at most?',
      unit: 'sites',
      options: []
    }
  ]
});

/** A run that `shoot.py` let the simulator play for these pictures. */
function recorded(name: string): string {
  const all: unknown = JSON.parse(
    document.getElementById('traces')?.textContent ?? '{}'
  );
  const found = isRecord(all) ? all[name] : '';
  return typeof found === 'string' ? found : '';
}

export const SCENES: readonly IScene[] = [
  {
    group: 'panel',
    name: 'not started',
    kind: 'panel',
    given: { answers: {} }
  },
  {
    group: 'panel',
    name: 'preparing',
    kind: 'panel',
    given: {
      answers: at(
        environment({
          state: 'preparing',
          url: null,
          progress: {
            step: 'Seeding the database (first time only)',
            done: 0.43,
            bytes: 178 * 1024 ** 2
          },
          services: [
            services('db', 'postgres', { state: 'starting' }),
            services('app', 'python', { state: 'stopped' })
          ]
        })
      )
    }
  },
  {
    group: 'panel',
    name: 'ready, files wait',
    kind: 'panel',
    given: {
      answers: at(environment({ pending: ['compose.yaml', 'haproxy.cfg'] })),
      events: [event('file.saved', { path: 'haproxy.cfg' })]
    }
  },
  {
    group: 'panel',
    name: 'ready, migrations wait',
    kind: 'panel',
    snapshot: {
      message:
        '002-orders-customer.sql changed after it was applied: the pristine data was restored and 2 files were replayed.'
    },
    given: {
      answers: at(environment({ migrations: PENDING })),
      events: [
        event('file.saved', { path: 'migrations/003-products-name.sql' })
      ]
    }
  },
  {
    group: 'panel',
    name: 'syntax error, connection lost',
    kind: 'panel',
    given: {
      answers: at(
        environment({
          state: 'degraded',
          services: [
            services('db', 'postgres'),
            services('app', 'python', {
              state: 'failed',
              reason: "app/server.py:12: invalid syntax: expected ':'"
            }),
            services('cache', 'valkey', { state: 'paused' }),
            services('lb', 'haproxy', { state: 'restarting' })
          ]
        })
      ),
      lost: true
    }
  },
  {
    group: 'panel',
    name: 'start failed',
    kind: 'panel',
    given: {
      answers: at(
        environment({
          state: 'failed',
          url: null,
          reason:
            'db did not come up within 20 s. Its last lines:\nFATAL:  could not create shared memory segment: No space left on device\nDETAIL:  Failed system call was shm_open(name="/PostgreSQL.3817", 24576)',
          services: [
            services('db', 'postgres', {
              state: 'failed',
              reason: 'exited with status 1'
            }),
            services('app', 'python', { state: 'stopped' })
          ]
        })
      )
    }
  },
  {
    group: 'panel',
    name: 'refused',
    kind: 'panel',
    given: {
      answers: {
        [ENV]: new ApiError(
          'The Jupyter server refused this request (403).',
          'forbidden',
          403,
          'You may have been logged out. Reload the page and log in again.'
        )
      }
    }
  },
  {
    group: 'run',
    name: 'going on',
    kind: 'run',
    props: { run: 'run-0007', profile: 'browse' },
    given: {
      answers: { ...at(), [RUN]: run(18, false) },
      events: ticks('run-0007', 21)
        .filter(tick => tick.t_s > 18)
        .map(tick => event('run.tick', tick))
    }
  },
  {
    group: 'run',
    name: 'done',
    kind: 'run',
    props: { run: 'run-0007', profile: 'browse' },
    snapshot: { run: run(30, true) },
    given: { answers: { ...at(), [RUN]: run(30, true) } }
  },
  {
    group: 'question',
    name: 'predict',
    kind: 'question',
    props: question({
      kind: 'predict',
      form: 'number',
      unit: 'ms',
      prompt:
        'You are about to run `lesson.load("browse")`. What will the **p95** of a category page be?'
    }),
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'interval',
    kind: 'question',
    props: question({
      kind: 'predict',
      form: 'interval',
      unit: 'times',
      prompt: 'How many times faster will it be with the index?'
    }),
    snapshot: { draft: { text: '', low: '10', high: '100', picked: [] } },
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'choice',
    kind: 'question',
    props: CHOICE,
    snapshot: { draft: { text: '', low: '', high: '', picked: ['b'] } },
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'evidence',
    kind: 'question',
    props: EVIDENCE,
    snapshot: { draft: { text: '', low: '', high: '', picked: ['scan'] } },
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'tradeoff',
    kind: 'question',
    props: TRADEOFF,
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'reflect, with claims',
    kind: 'question',
    props: REFLECT,
    snapshot: {
      draft: {
        text: 'Raft: a majority has every order.',
        claims: { behaviour: 'stops', failures: '4' }
      }
    },
    given: { answers: at() }
  },
  {
    group: 'question',
    name: 'closed step',
    kind: 'question',
    props: {
      question: {
        id: 'q',
        step: 'reflect',
        kind: 'reflect',
        form: 'prose',
        min_words: 10,
        prompt: 'What would you look at first the next time?'
      }
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'choice, wrong',
    kind: 'question',
    props: CHOICE,
    snapshot: {
      answer: answered({
        value: 'a',
        correct: false,
        score: 0,
        feedback:
          'An index is sorted by its *first* column. Where is `garden` in a list sorted by price?',
        model_answer:
          'The order serves `price <= …` and the sort. `category` can only be checked entry by entry.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'reflect, a wrong claim',
    kind: 'question',
    props: REFLECT,
    snapshot: {
      answer: answered({
        value: {
          text: 'Raft is simpler, and a majority of five has every order.',
          claims: { behaviour: 'lies', failures: 3 }
        },
        correct: false,
        score: 0,
        feedback:
          '**What you stated does not hold**, so the answer cannot:\n\n- Raft does not stand **Byzantine** failures, not a single one.\n\n**Evidence found in your words.** By a program that compares sentences and understands none of them; it is no mark.\n\n✓ It says why a majority is enough. “a majority of five has every order”\n\n○ It says what each side of a cut network does. Nothing found.',
        model_answer: 'Raft. Sites stop or are cut off.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'prediction, waiting',
    kind: 'question',
    props: question({
      kind: 'predict',
      form: 'number',
      unit: 'ms',
      prompt: 'What will the **p95** of a category page be?'
    }),
    snapshot: {
      answer: answered({
        value: 800,
        feedback:
          'Your prediction is kept. It is decided by your next run of `browse`.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'prediction, decided',
    kind: 'question',
    props: question({
      kind: 'predict',
      form: 'number',
      unit: 'ms',
      prompt: 'What will the **p95** of a category page be?'
    }),
    snapshot: {
      answer: answered({
        value: 800,
        score: 0.5,
        feedback: 'It was 1,920 ms. You were 2.4 times too low.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'tradeoff, right',
    kind: 'question',
    props: TRADEOFF,
    snapshot: {
      answer: answered({
        value: {
          choice: 'cp',
          because:
            'Equality first, then the column it is sorted by: the twenty rows stand next to each other.'
        },
        correct: true,
        score: 1,
        feedback:
          'It serves the filter *and* the order. It costs one more write per insert.',
        model_answer: 'Equality columns first, then the range or sort column.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'answered',
    name: 'skipped, and a refusal',
    kind: 'question',
    props: question({
      kind: 'reflect',
      form: 'prose',
      min_words: 10,
      prompt: 'What would you look at first the next time?'
    }),
    snapshot: {
      answer: answered({
        value: null,
        skipped: true,
        feedback: 'Skipped. You can still answer it at any time.'
      })
    },
    given: { answers: at() }
  },
  {
    group: 'verdict',
    name: 'checking',
    kind: 'verdict',
    props: { since: START, checks: EXPECTED },
    given: {
      answers: at(),
      events: RESULTS.slice(0, 3).map(result => event('check.result', result))
    }
  },
  {
    group: 'verdict',
    name: 'could not be made',
    kind: 'verdict',
    props: { since: START, checks: EXPECTED },
    snapshot: { results: RESULTS.slice(0, 1), ended: true },
    given: { answers: at() }
  },
  {
    group: 'verdict',
    name: 'failed',
    kind: 'verdict',
    snapshot: { verdict: verdict(false) },
    given: { answers: at() }
  },
  {
    group: 'verdict',
    name: 'passed',
    kind: 'verdict',
    snapshot: { verdict: verdict(true) },
    given: { answers: at() }
  },
  {
    group: 'verdict',
    name: 'unknown',
    kind: 'verdict',
    snapshot: {
      verdict: {
        ...verdict(false),
        status: 'unknown',
        checks: [],
        points: 0,
        drift: null,
        reason:
          'The database of the fresh system went away while it was checked (killed by the machine: out of memory).'
      }
    },
    given: { answers: at() }
  },
  {
    group: 'logs',
    name: 'following',
    kind: 'logs',
    given: {
      answers: {
        ...at(),
        [`GET /v1/environments/${ID}/logs`]: { lines: LOG_LINES }
      }
    }
  },
  ...[
    { name: 'votes on their way', start_us: 171_500, branches: ['whole'] },
    { name: 'a leader and its client', start_us: 560_500, branches: ['whole'] },
    {
      name: 'beside its origin: the leader is cut off',
      start_us: 943_000,
      branches: ['whole', 'isolated']
    },
    {
      name: 'the smallest run of a failure',
      start_us: 9_999_999,
      branches: ['broken'],
      reveal: true
    }
  ].map(({ name, branches, ...props }): IScene => ({
    group: 'simulation',
    name,
    kind: 'simulation',
    props: { ...props, title: 'Raft', subtitle: '5 servers, seed 3' },
    snapshot: {
      branches: branches.map((branch, id) => ({
        id,
        name: branch,
        parent: id === 0 ? null : 0,
        at_us: id === 0 ? 0 : 700_000,
        trace: recorded(branch)
      }))
    },
    given: { answers: {} }
  }))
];
