import { ApiError } from '../../src/api/problem';
import type { EnvironmentStatus, Run } from '../../src/api/types';
import { page } from '../../src/connection/page';
import type { ISysdesignSettings } from '../../src/tokens';
import { RunState } from '../../src/widget/run/state';
import { button, clickAgain, rest, show, type, type IShown } from '../browser';
import { ScriptedTransport } from '../transport';

let transport: ScriptedTransport;
let shown: IShown | undefined;

function environment(rest: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  return {
    id: 'w',
    lesson: 'l',
    workspace: 'w',
    runtime: 'embedded',
    state: 'ready',
    reason: '',
    progress: null,
    services: [
      {
        name: 'db',
        kind: 'postgres',
        state: 'ready',
        reason: '',
        url: null,
        cpus: 0.4,
        memory_bytes: null,
        pid: 1
      }
    ],
    links: [],
    url: null,
    migrations: [],
    pending: [],
    started_at: 1,
    last_seq: 5,
    ...rest
  };
}

function has(status: EnvironmentStatus): void {
  transport.answers.set('GET /v1/environments/w', status);
  transport.answers.set('GET /v1/environments/w/metrics', {
    ts: [],
    values: {}
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
});

afterEach(() => {
  shown?.remove();
  shown = undefined;
  page().settings = null;
  jest.useRealTimers();
});

describe('panel', () => {
  test('starts what is not there yet, and follows it', async () => {
    shown = await show('panel', transport);
    const { el } = shown;
    expect(el.textContent).toContain('Not started yet');
    has(environment({ state: 'starting' }));
    transport.answers.set(
      'POST /v1/environments',
      environment({ state: 'starting' })
    );
    button(el, 'Start').click();
    await rest();
    expect(transport.requests).toContainEqual({
      method: 'POST',
      path: '/v1/environments',
      body: { workspace: 'w', reuse: true }
    });
    transport.stream.opened();
    transport.stream.events([
      { seq: 6, ts: 1, type: 'environment.state', data: environment() }
    ]);
    await rest();
    expect(el.querySelector('.sd-head')?.textContent).toContain('Ready');
    expect(el.querySelector('.sd-hidden')?.textContent).toBe(
      'Environment: Ready'
    );
  });

  test('a start asks for what is set, and for the runtime of the notebook before that', async () => {
    const asks = async (
      named: string | null,
      runtime?: 'docker'
    ): Promise<unknown> => {
      page().settings = {
        runtime,
        sampleInterval: 2
      } as unknown as ISysdesignSettings;
      has(environment({ state: 'stopped' }));
      transport.answers.set('POST /v1/environments', environment());
      shown = await show('panel', transport, { runtime: named });
      button(shown.el, 'Start').click();
      await rest();
      shown.remove();
      return transport.requests.find(({ method }) => method === 'POST')?.body;
    };
    const start = { workspace: 'w', reuse: true, sample_interval_s: 2 };
    expect(await asks(null)).toEqual(start);
    transport = new ScriptedTransport();
    expect(await asks(null, 'docker')).toEqual({ ...start, runtime: 'docker' });
    transport = new ScriptedTransport();
    expect(await asks('embedded', 'docker')).toEqual({
      ...start,
      runtime: 'embedded'
    });
  });

  test('what went wrong stands in its place', async () => {
    has(environment({ state: 'stopped' }));
    transport.answers.set(
      'POST /v1/environments',
      new ApiError('postgres is not installed', 'missing_binary', 424, 'pip …')
    );
    shown = await show('panel', transport);
    button(shown.el, 'Start').click();
    await rest();
    expect(shown.el.querySelector('[role=alert]')?.textContent).toBe(
      'postgres is not installedpip …'
    );
  });

  test('reset asks first', async () => {
    has(environment());
    transport.answers.set('POST /v1/environments/w/reset', environment());
    shown = await show('panel', transport);
    const { el } = shown;
    button(el, 'Reset …').click();
    await rest();
    expect(document.activeElement?.textContent).toBe('Cancel');
    expect(transport.requests.some(({ method }) => method === 'POST')).toBe(
      false
    );
    button(el, 'Reset the data').click();
    await rest();
    expect(transport.requests.at(-1)?.path).toBe('/v1/environments/w/reset');
  });

  test('the keyboard is back at the button that asked', async () => {
    has(environment());
    transport.answers.set('POST /v1/environments/w/reset', environment());
    shown = await show('panel', transport);
    const { el } = shown;
    for (const answer of ['Cancel', 'Reset the data']) {
      button(el, 'Reset …').focus();
      button(el, 'Reset …').click();
      await rest();
      button(el, answer).click();
      await rest();
      expect(document.activeElement).toBe(button(el, 'Reset …'));
    }
  });

  test.each(['before', 'after'])(
    'the keyboard is beside a button that is disabled %s the answer',
    async when => {
      has(environment());
      transport.answers.set(
        'POST /v1/environments/w/reset',
        new Promise(() => 0)
      );
      shown = await show('panel', transport);
      const { el } = shown;
      transport.stream.opened();
      const begins = async (): Promise<void> => {
        const data = environment({ state: 'preparing' });
        transport.stream.events([
          { seq: 6, ts: 1, type: 'environment.state', data }
        ]);
        await rest();
      };
      button(el, 'Reset …').focus();
      button(el, 'Reset …').click();
      await rest();
      if (when === 'before') {
        await begins(); // somebody else has reset it
      }
      button(el, 'Reset the data').click();
      await rest();
      if (when === 'after') {
        await begins();
      }
      expect(button(el, 'Reset …').disabled).toBe(true);
      expect(document.activeElement).toBe(el.querySelector('.sd-head'));
    }
  );

  test('pending migrations are applied, and what happened is said', async () => {
    has(environment({ migrations: [{ name: '001-a.sql', state: 'pending' }] }));
    transport.answers.set('POST /v1/environments/w/apply', {
      applied: ['001-a.sql'],
      replayed: false,
      message: 'Applied 001-a.sql.'
    });
    shown = await show('panel', transport);
    button(shown.el, 'Apply migrations').click();
    await rest();
    expect(shown.el.textContent).toContain('Applied 001-a.sql.');
  });

  test('the keyboard goes to what applying did', async () => {
    const migrations = [{ name: '001-a.sql', state: 'pending' as const }];
    has(environment({ migrations }));
    let answer: (value: unknown) => void = () => undefined;
    transport.answers.set(
      'POST /v1/environments/w/apply',
      new Promise(resolve => {
        answer = resolve;
      })
    );
    shown = await show('panel', transport);
    const { el } = shown;
    const apply = button(el, 'Apply migrations');
    apply.focus();
    apply.click();
    await rest();
    transport.stream.opened();
    transport.stream.events([
      {
        seq: 6,
        ts: 1,
        type: 'environment.state',
        data: environment({
          migrations: [{ name: '001-a.sql', state: 'applied' }]
        })
      }
    ]);
    await rest();
    expect(document.activeElement).toBe(apply);
    answer({ message: 'Applied 001-a.sql.' });
    await rest();
    expect(document.activeElement?.textContent).toBe('Applied 001-a.sql.');
  });

  test.each([
    ['stopped', 'Start'],
    ['ready', 'Stop']
  ] as const)('%s: a double click does not %s again', async (state, name) => {
    has(environment({ state }));
    shown = await show('panel', transport);
    clickAgain(button(shown.el, name));
    await rest();
    expect(transport.requests.every(({ method }) => method === 'GET')).toBe(
      true
    );
  });

  test('the app is one click away where the lab runs', async () => {
    has(environment({ url: 'http://127.0.0.1:8001' }));
    shown = await show('panel', transport);
    expect(shown.el.querySelector('a')?.href).toBe('http://127.0.0.1:8001/');
  });

  test('files that take effect together wait, and are applied', async () => {
    has(environment({ pending: ['compose.yaml', 'haproxy.cfg'] }));
    const message = 'Started app2; restarted lb; left running db, app.';
    transport.answers.set('POST /v1/environments/w/apply', {
      applied: [],
      replayed: false,
      message
    });
    shown = await show('panel', transport);
    expect(shown.el.textContent).toContain('2 to apply');
    expect(shown.el.textContent).toContain('haproxy.cfg');
    button(shown.el, 'Apply changes').click();
    await rest();
    expect(shown.el.textContent).toContain(message);
  });

  test('a lost connection is said, with the last known state', async () => {
    has(environment());
    shown = await show('panel', transport);
    transport.stream.opened();
    transport.stream.closed(null);
    await rest();
    expect(shown.el.textContent).toContain('Connection lost');
    expect(shown.el.textContent).toContain('Ready');
    button(shown.el, 'Try now').click();
    await rest();
    transport.stream.opened();
    await rest();
    expect(shown.el.textContent).toContain('Connected again.');
  });

  test('the keyboard stays with the connection that is back', async () => {
    has(environment());
    shown = await show('panel', transport);
    const { el } = shown;
    transport.stream.opened();
    transport.stream.closed(null);
    await rest();
    button(el, 'Try now').focus();
    button(el, 'Try now').click();
    await rest();
    transport.stream.opened();
    await rest();
    expect(document.activeElement).toBe(el.querySelector('.sd-banner'));
    expect(document.activeElement?.textContent).toBe('Connected again.');
  });

  test('shows its snapshot before anything answers', async () => {
    transport.answers.set(
      'GET /v1/environments/w',
      new ApiError('', 'unreachable', 0)
    );
    shown = await show('panel', transport, {}, { status: environment() });
    expect(shown.el.textContent).toContain('Ready');
    expect(shown.el.textContent).toContain('Connection lost');
  });

  test('taken out of the page it listens no more', async () => {
    has(environment());
    shown = await show('panel', transport);
    transport.stream.opened();
    shown.remove();
    await rest(3200);
    expect(transport.stream.left).toBe(true);
  });
});

describe('run', () => {
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
    has(environment());
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
    has(environment());
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
    state.end(
      run('done', { ticks: [{ ...(tick as object), t_s: 1 } as never] })
    );
    expect(state.ticks.throughput()[0]).toEqual([1]);
  });

  test('what Python kept is not kept again', async () => {
    has(environment());
    const done = run('done', { summary });
    shown = await show('run', transport, { run: 'r1' }, { run: done });
    await rest(1700);
    expect(shown.model.saved).toEqual([]);
    expect(transport.requests).toEqual([]);
    expect(shown.el.textContent).toContain('Done');
  });

  test('is stopped by its button', async () => {
    has(environment());
    transport.answers.set('GET /v1/environments/w/runs/r1', run('running'));
    transport.answers.set('DELETE /v1/environments/w/runs/r1', run('stopped'));
    shown = await show('run', transport, { run: 'r1' });
    button(shown.el, 'Stop').click();
    await rest();
    expect(transport.requests.at(-1)?.method).toBe('DELETE');
  });

  test('keeps the keyboard when it ends', async () => {
    has(environment());
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
});

test('a verdict grows check by check', async () => {
  has(environment());
  shown = await show('verdict', transport, {
    since: 100,
    checks: [
      { id: 'a', title: 'First' },
      { id: 'b', title: 'Second' }
    ]
  });
  const { el } = shown;
  const result = {
    id: 'a',
    title: 'First',
    status: 'failed' as const,
    measured: '312 blocks',
    required: 'at most 4',
    why: 'It reads too much.',
    points: 0,
    max_points: 10,
    kind: 'slo',
    evidence: {}
  };
  transport.stream.opened();
  transport.stream.events([
    { seq: 6, ts: 101, type: 'check.result', data: result }
  ]);
  await rest();
  expect(el.textContent).toContain('1 of 2 checks');
  expect(el.textContent).toContain('It reads too much.');
  transport.stream.events([
    {
      seq: 7,
      ts: 102,
      type: 'verdict',
      data: {
        lesson: 'l',
        status: 'failed',
        checks: [result],
        points: 0,
        max_points: 10,
        seed: 4,
        started_at: 100,
        duration_s: 2,
        drift: { drifted: true, differences: ['+ CREATE INDEX i'] },
        reason: '',
        whole: true
      }
    }
  ]);
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Not yet');
  expect(el.textContent).toContain('Write it down in migrations/');
  expect(el.textContent).toContain('+ CREATE INDEX i');
});

test.each([
  ['Not yet', 98, 5],
  ['Checking', 90, 5]
])(
  'while nobody looked: %s, of a check from %d on for %d s',
  async (word, started_at, duration_s) => {
    has(environment());
    transport.answers.set('GET /v1/environments/w/checks', {
      declared: ['a'],
      going: false,
      results: [],
      verdict: {
        lesson: 'l',
        status: 'failed',
        checks: [],
        points: 0,
        max_points: 10,
        seed: 4,
        started_at,
        duration_s,
        reason: ''
      }
    });
    shown = await show('verdict', transport, { since: 100, checks: [] });
    expect(shown.el.querySelector('.sd-big')?.textContent).toContain(word);
  }
);

test.each([
  [true, 'Every check holds.'],
  [false, 'Every check that was made holds.']
])('passed, every check of the lesson made (%s): %s', async (whole, said) => {
  const verdict = {
    lesson: 'l',
    status: 'passed',
    checks: [],
    points: 5,
    max_points: 5,
    seed: 4,
    started_at: 100,
    duration_s: 2,
    reason: '',
    whole
  };
  has(environment());
  shown = await show('verdict', transport, { since: 100, checks: [] });
  transport.stream.events([
    { seq: 7, ts: 102, type: 'verdict', data: verdict } as never
  ]);
  await rest();
  expect(shown.el.querySelector('.sd-big')?.textContent).toContain(said);
});

test('a check that cannot be made does not go on for ever', async () => {
  has(environment());
  const expected = { since: 100, checks: [{ id: 'a', title: 'First' }] };
  shown = await show('verdict', transport, expected);
  const { el, model } = shown;
  transport.stream.opened();
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Checking');
  model.receive('snapshot', { results: [], ended: true });
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Not checked');
  expect(el.textContent).not.toContain('Checking');
  expect(el.textContent).not.toContain('Waiting');
  await rest(3200);
  expect(transport.stream.left).toBe(true);
});

test('logs follow, pause, and go on with what came meanwhile', async () => {
  has(environment());
  transport.answers.set('GET /v1/environments/w/logs?tail=500', {
    lines: [{ ts: 1, service: 'db', line: 'ready' }]
  });
  shown = await show('logs', transport);
  const { el } = shown;
  const lines = (): number => el.querySelectorAll('.sd-log-line').length;
  const write = (seq: number, line: string): void => {
    transport.stream.events([
      { seq, ts: seq, type: 'log.line', data: { service: 'app', line } }
    ]);
  };
  transport.stream.opened();
  write(6, 'one');
  await rest();
  expect(lines()).toBe(2);
  button(el, 'Pause').click();
  await rest();
  write(7, 'two');
  await rest();
  expect(lines()).toBe(2);
  expect(el.textContent).toContain('1 line came since');
  button(el, 'Pause').click();
  await rest();
  expect(lines()).toBe(3);
});

test('paused logs are searched, too', async () => {
  has(environment());
  transport.answers.set('GET /v1/environments/w/logs?tail=500', {
    lines: [
      { ts: 1, service: 'db', line: 'ready' },
      { ts: 2, service: 'app', line: 'one' }
    ]
  });
  shown = await show('logs', transport);
  const { el } = shown;
  const lines = (): number => el.querySelectorAll('.sd-log-line').length;
  button(el, 'Pause').click();
  await rest();
  type(el.querySelector('input[type=search]'), 'one');
  await rest();
  expect(lines()).toBe(1);
});

test('lines that come late are those that are looked for by then', async () => {
  has(environment());
  let answer: (page: unknown) => void = () => undefined;
  transport.answers.set(
    'GET /v1/environments/w/logs?tail=500',
    new Promise(resolve => {
      answer = resolve;
    })
  );
  shown = await show('logs', transport);
  const { el } = shown;
  type(el.querySelector('input[type=search]'), 'nothing like it');
  await rest();
  answer({ lines: [{ ts: 1, service: 'db', line: 'ready' }] });
  await rest();
  expect(el.querySelectorAll('.sd-log-line')).toHaveLength(0);
});

test.each(['panel', 'run', 'verdict', 'logs'])(
  'the keyboard stays in a %s that is there when it is tried again',
  async kind => {
    const path = 'GET /v1/environments/w';
    has(environment());
    transport.answers.set(`${path}/logs?tail=500`, { lines: [] });
    transport.answers.set(`${path}/runs/r`, {
      id: 'r',
      profile: 'browse',
      state: 'running',
      started_at: 1,
      ticks: []
    });
    transport.answers.set(path, new ApiError('No.', 'forbidden', 403));
    shown = await show(kind, transport, { run: 'r', since: 1 });
    const { el } = shown;
    const again = button(el, 'Try again');
    again.focus();
    transport.answers.set(path, environment());
    again.click();
    await rest();
    transport.stream.opened();
    await rest();
    expect(el.textContent).not.toContain('Try again');
    expect(document.activeElement).toBe(el.firstElementChild);
  }
);

test('a kind that nobody knows says so', async () => {
  shown = await show('hologram', transport);
  expect(shown.el.textContent).toContain('"hologram"');
});
