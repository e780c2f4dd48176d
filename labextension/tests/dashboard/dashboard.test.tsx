/** The dashboard as somebody sees and uses it; the control plane is a script. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import { options, render } from 'preact';
import { ApiError, unreachable } from '../../src/api/problem';
import type { EnvironmentStatus, ServiceStatus } from '../../src/api/types';
import { hubOf } from '../../src/connection/choose';
import type { EventHub } from '../../src/connection/hub';
import { Dashboard } from '../../src/dashboard/Dashboard';
import { Settings } from '../../src/settings/settings';
import type { ISysdesignSettings } from '../../src/tokens';
import { button, clickAgain, rest, type } from '../browser';
import { ScriptedTransport } from '../transport';

let transport: ScriptedTransport;
let el: HTMLElement;
let gone: number;
let opened: string[];
let seq: number;

function service(
  name: string,
  more: Partial<ServiceStatus> = {}
): ServiceStatus {
  return {
    name,
    kind: name === 'db' ? 'postgres' : 'python',
    state: 'ready',
    reason: '',
    cpus: 0.5,
    ...more
  };
}

function environment(more: Partial<EnvironmentStatus> = {}): EnvironmentStatus {
  return {
    id: 'w',
    lesson: 'l',
    workspace: 'w',
    runtime: 'embedded',
    state: 'ready',
    reason: '',
    services: [service('app', { url: 'http://127.0.0.1:1' }), service('db')],
    links: [{ source: 'app', target: 'db', marked: true }],
    url: 'http://127.0.0.1:1',
    migrations: [],
    pending: [],
    last_seq: 5,
    ...more
  };
}

function has(status: EnvironmentStatus): void {
  const env = 'GET /v1/environments/w';
  const answers: Record<string, unknown> = {
    [env]: status,
    [`${env}/metrics`]: { ts: [], values: {} },
    [`${env}/runs`]: [],
    [`${env}/profiles`]: {
      profiles: {
        browse: {
          mode: 'closed',
          connections: 9,
          duration_s: 5,
          mix: [{ name: 'list' }]
        }
      }
    },
    [`${env}/checks`]: { declared: ['fast-enough'], going: false, results: [] },
    [`${env}/faults`]: { faults: [] },
    [`${env}/logs?tail=500`]: { lines: [] },
    'GET /v1/faults': {
      faults: [
        {
          id: 'latency',
          name: 'Slow link',
          description: 'Slower.',
          expect: 'Waiting.',
          target: 'link',
          kinds: [],
          one_shot: false,
          arguments: {
            type: 'object',
            required: ['delay_ms'],
            properties: {
              delay_ms: { type: 'number', default: 200, minimum: 1 }
            }
          }
        }
      ]
    }
  };
  for (const [path, answer] of Object.entries(answers)) {
    transport.answers.set(path, answer);
  }
}

const WORKSPACE = {
  id: 'w',
  lesson: 'l',
  folder: '/home/you/l',
  path: 'sysdesign/l',
  has_services: true
};

function losesWorkspace(): void {
  transport.answers.set(
    'GET /v1/workspaces/w',
    new ApiError('no such workspace', 'not_found', 404)
  );
}

async function show(
  restored = false,
  settings: ISysdesignSettings | null = null
): Promise<void> {
  const hubs = new Map<string, EventHub>();
  render(
    <Dashboard
      connection={{
        transport,
        hub: id => hubOf(hubs, id, transport),
        dispose: () => undefined
      }}
      workspace="w"
      restored={restored}
      settings={settings}
      onTitle={() => undefined}
      onOpen={(path, line) => {
        opened.push(`${path}:${line}`);
      }}
      onGone={() => {
        gone += 1;
      }}
    />,
    el
  );
  await rest();
}

async function tell(type: string, data: unknown, ts = 1000): Promise<void> {
  seq += 1;
  transport.stream.opened();
  transport.stream.events([{ seq, ts, type, data } as never]);
  await rest();
}

async function tab(name: string): Promise<void> {
  const found = [...el.querySelectorAll<HTMLElement>('[role=tab]')].find(each =>
    each.textContent.startsWith(name)
  );
  found?.click();
  await rest();
}

async function press(text: string): Promise<void> {
  button(el, text).click();
  await rest();
}

function sent(method: string): [path: string, body: unknown][] {
  return transport.requests
    .filter(each => each.method === method)
    .map(({ path, body }) => [path, body] as [string, unknown]);
}

function text(selector: string): string {
  return el.querySelector(selector)?.textContent ?? '';
}

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
  transport.answers.set('GET /v1/workspaces/w', WORKSPACE);
  transport.answers.set('GET /v1/lessons/l', {
    id: 'l',
    title: 'Slow lists',
    charts: ['db.seq_scans_per_s']
  });
  transport.answers.set('GET /v1/environments', []);
  gone = 0;
  opened = [];
  seq = 5;
  el = document.createElement('div');
  document.body.append(el);
});

afterEach(() => {
  render(null, el);
  el.remove();
  jest.useRealTimers();
});

test('says what the lesson is, and starts what is not there yet', async () => {
  await show();
  expect(el.textContent).toContain('Slow lists');
  expect(el.textContent).toContain('Not started yet');
  has(environment({ state: 'starting' }));
  transport.answers.set(
    'POST /v1/environments',
    environment({ state: 'starting' })
  );
  await press('Start');
  expect(sent('POST')).toEqual([
    ['/v1/environments', { workspace: 'w', reuse: true }]
  ]);
  await tell('environment.state', environment());
  expect(text('.sd-dash-head')).toContain('Ready');
});

test('a start asks for what is set', async () => {
  const settings = new Settings();
  settings.follow({
    composite: { runtime: 'docker', sampleInterval: 2 },
    changed: new Signal({})
  } as unknown as ISettingRegistry.ISettings);
  has(environment({ state: 'stopped' }));
  transport.answers.set('POST /v1/environments', environment());
  await show(false, settings);
  await press('Start');
  expect(sent('POST')).toEqual([
    [
      '/v1/environments',
      { workspace: 'w', reuse: true, runtime: 'docker', sample_interval_s: 2 }
    ]
  ]);
});

test('a layout brings back no dashboard of a workspace that is gone', async () => {
  losesWorkspace();
  await show(true);
  expect(gone).toBe(1);
});

test('where nothing runs, that is said in place of a start', async () => {
  const nothing = { ...WORKSPACE, has_services: false };
  transport.answers.set('GET /v1/workspaces/w', nothing);
  await show();
  expect(el.textContent).toContain('nothing to start');
  expect(el.querySelector('button')).toBeNull();
});

test('who asks for it by hand is told that it is gone', async () => {
  losesWorkspace();
  await show();
  expect(gone).toBe(0);
  expect(el.textContent).toContain('no such workspace');
  await press('Close');
  expect(gone).toBe(1);
});

test('a saved file shows the restart, then the line that is wrong, and opens it', async () => {
  has(environment());
  await show();
  const reason = 'app/server.py:12: invalid syntax';
  await tell('file.saved', { path: 'app/server.py' }, 1000);
  await tell('service.state', service('app', { state: 'restarting' }), 1000.1);
  expect(text('.sd-save')).toContain('app/server.py');
  expect(text('.sd-save')).toContain('Restarting');
  await tell(
    'service.state',
    service('app', { state: 'failed', reason }),
    1000.3
  );
  expect(text('.sd-save')).toContain(reason);
  await press('Open line 12 of server.py');
  expect(opened).toEqual(['sysdesign/l/app/server.py:12']);
  await tell('file.saved', { path: 'app/server.py' }, 1010);
  await tell('service.state', service('app', { state: 'restarting' }), 1010.1);
  await tell('service.state', service('app'), 1010.6);
  expect(text('.sd-save')).toContain('Ready after 0.6 s');
  expect(text('.sd-save')).not.toContain('invalid syntax');
  // What happens to the service later has other reasons.
  const killed = service('app', { state: 'failed', reason: 'killed' });
  await tell('service.state', killed, 1310);
  await tell('service.state', service('app', { state: 'restarting' }), 1320);
  expect(text('.sd-save')).toContain('Ready after 0.6 s');
  expect(text('.sd-save')).not.toContain('killed');
  await tell('file.saved', { path: 'app/server.py' }, 1400);
  await tell('service.state', service('app', { state: 'restarting' }), 1400.1);
  await tell('service.state', service('app', { state: 'stopped' }), 1401);
  expect(text('.sd-save')).not.toContain('Restarting');
});

test('a restart that ended unseen has no time', async () => {
  has(environment());
  await show();
  await tell('file.saved', { path: 'app/server.py' }, 1000);
  await tell('service.state', service('app', { state: 'restarting' }), 1000.1);
  has(environment({ last_seq: 90 }));
  await tell('gap', { missed_from: 8, missed_to: 90 }, 1060);
  await rest(4000);
  expect(text('.sd-save')).toContain('→appReady');
  expect(text('.sd-save')).not.toContain('after');
});

test('a workspace that is back is shown again', async () => {
  losesWorkspace();
  await show();
  expect(el.textContent).toContain('no such workspace');
  transport.answers.set('GET /v1/workspaces/w', WORKSPACE);
  transport.answers.set('GET /v1/environments?no_track_activity=1', [
    environment()
  ]);
  has(environment());
  await rest(4000);
  expect(el.textContent).not.toContain('no such workspace');
  expect(el.textContent).toContain('Ready');
});

test('runs a profile as it is, or the shape somebody gave it', async () => {
  has(environment());
  const run = {
    id: 'r',
    profile: 'browse',
    state: 'running',
    seed: 1,
    scale: 1,
    traffic: '',
    started_at: 1000,
    ticks: [],
    reason: ''
  };
  transport.answers.set('POST /v1/environments/w/runs', run);
  transport.answers.set('DELETE /v1/environments/w/runs/r', {
    ...run,
    state: 'stopped'
  });
  await show();
  await press('Run');
  expect(sent('POST')).toEqual([
    ['/v1/environments/w/runs', { seed: 1, profile: 'browse' }]
  ]);
  expect(el.textContent).toContain('Running browse');
  await press('Stop the load');
  expect(sent('DELETE')).toHaveLength(1);
  await tell('run.done', { ...run, state: 'stopped' }, 1003);

  await press('Shape it');
  const level = el.querySelector<HTMLInputElement>(
    '[aria-label="Clients of stage 1"]'
  );
  type(level, 'many');
  await rest();
  expect(button(el, 'Run').disabled).toBe(true);
  expect(level?.getAttribute('aria-invalid')).toBe('true');
  type(level, '40');
  await rest();
  await press('Run');
  expect(sent('POST').at(-1)).toEqual([
    '/v1/environments/w/runs',
    {
      seed: 1,
      custom: {
        mode: 'closed',
        connections: 40,
        duration_s: 5,
        mix: [{ name: 'list', weight: 1 }]
      }
    }
  ]);
});

test('a run that a notebook began is asked for again, and not with each tick', async () => {
  has(environment());
  await show();
  const runs = 'GET /v1/environments/w/runs';
  const asked = (): number =>
    sent('GET').filter(([path]) => path === '/v1/environments/w/runs').length;
  const before = asked();
  const ticks = async (from: number): Promise<void> => {
    await rest(5000);
    for (let count = 0; count < 5; count += 1) {
      const data = { run: 'r', t_s: from + count / 10, errors: {} };
      await tell('run.tick', data, 1000 + data.t_s);
    }
  };
  transport.answers.set(runs, unreachable());
  await ticks(0);
  expect(asked() - before).toBe(1);
  await ticks(1);
  expect(asked() - before).toBe(2);
  expect(el.textContent).not.toContain('Running browse');
  const run = { id: 'r', profile: 'browse', state: 'running' };
  transport.answers.set(runs, [{ ...run, started_at: 1000, ticks: [] }]);
  await ticks(2);
  expect(el.textContent).toContain('Running browse');
  await ticks(3);
  expect(asked() - before).toBe(3);
});

test('a run that was picked later stays when the answer to the first one is late', async () => {
  has(environment());
  const env = 'GET /v1/environments/w';
  const runs = ['one', 'two'].map((id, place) => ({
    id,
    profile: id,
    state: 'done',
    started_at: 1000 - place,
    ticks: []
  }));
  transport.answers.set(`${env}/runs`, runs);
  await show();
  const pick = async (place: number): Promise<void> => {
    el.querySelectorAll<HTMLElement>('.sd-runs input')[place]?.click();
    await rest();
  };
  let answer: (run: unknown) => void = () => undefined;
  const late = new Promise(resolve => {
    answer = resolve;
  });
  transport.answers.set(`${env}/runs/one`, late);
  await pick(0);
  for (const run of runs) {
    transport.answers.set(`${env}/runs/${run.id}`, run);
  }
  await pick(1);
  expect(text('.sd-load .sd-chart')).toContain('two');
  answer(runs[0]);
  await rest();
  expect(text('.sd-load .sd-chart')).toContain('two');
});

test('a run that could not be fetched is told of only while it is picked', async () => {
  has(environment());
  const env = 'GET /v1/environments/w';
  const runs = ['one', 'two'].map((id, place) => ({
    id,
    profile: id,
    state: 'done',
    started_at: 1000 - place,
    ticks: []
  }));
  transport.answers.set(`${env}/runs`, runs);
  await show();
  const pick = async (place: number): Promise<void> => {
    el.querySelectorAll<HTMLElement>('.sd-runs input')[place]?.click();
    await rest();
  };
  const late: ((error: unknown) => void)[] = [];
  const never = (): Promise<unknown> =>
    new Promise((_, reject) => late.push(reject));
  const lost = new ApiError('There is no run.', 'not_found', 404);
  transport.answers.set(`${env}/runs/one`, never());
  transport.answers.set(`${env}/runs/two`, runs[1]);
  await pick(0);
  await pick(0);
  late[0]?.(lost);
  await rest();
  expect(text('.sd-load [role=alert]')).toBe('');
  transport.answers.set(`${env}/runs/one`, lost);
  await pick(0);
  await pick(1);
  expect(text('.sd-load [role=alert]')).toContain('There is no run.');
  expect(text('.sd-load .sd-chart')).toContain('two');
});

test('puts a fault on a link, shows it, takes it back', async () => {
  has(environment());
  await show();
  await tab('Faults');
  const fault = {
    id: 'f1',
    fault: 'latency',
    name: 'Slow link',
    link: { source: 'app', target: 'db' },
    arguments: { delay_ms: 200 },
    state: 'active',
    started_at: 1000
  };
  transport.answers.set('POST /v1/environments/w/faults', fault);
  await press('Break it');
  const body = {
    fault: 'latency',
    link: fault.link,
    arguments: fault.arguments
  };
  expect(sent('POST')).toEqual([['/v1/environments/w/faults', body]]);
  await tell('fault.started', fault);
  expect(text('.sd-active-faults')).toContain('app → db');
  transport.answers.set('DELETE /v1/environments/w/faults/f1', null);
  await press('Recover');
  expect(sent('DELETE')).toEqual([['/v1/environments/w/faults/f1', undefined]]);
  await tell('fault.ended', { ...fault, state: 'ended' }, 1005);
  expect(el.querySelector('.sd-active-faults')).toBeNull();
  expect(text('.sd-happenings')).toContain('fault: Slow link');
});

test('Enter breaks nothing that its button would not break', async () => {
  has(environment());
  transport.answers.set('POST /v1/environments/w/faults', new Promise(() => 0));
  await show();
  await tab('Faults');
  const form = el.querySelector<HTMLFormElement>('.sd-inject');
  const [, seconds] = form?.querySelectorAll('input') ?? [];
  type(seconds ?? null, '10s');
  await rest();
  form?.requestSubmit();
  await rest();
  expect(sent('POST')).toEqual([]);
  type(seconds ?? null, '10');
  await rest();
  for (let times = 0; times < 2; times += 1) {
    form?.requestSubmit();
    await rest();
  }
  expect(sent('POST')).toHaveLength(1);
  expect(sent('POST')).toMatchObject([[{}, { for_s: 10 }]]);
});

test('Enter breaks it in any of its fields, as its button does, once', async () => {
  has(environment());
  transport.answers.set('POST /v1/environments/w/faults', new Promise(() => 0));
  await show();
  await tab('Faults');
  // A browser submits a form of several fields with its button, and not without.
  const button = el.querySelector<HTMLButtonElement>('.sd-inject .sd-button');
  expect(button?.type).toBe('submit');
  for (let times = 0; times < 2; times += 1) {
    button?.click();
    await rest();
  }
  expect(sent('POST')).toHaveLength(1);
});

test('Enter breaks nothing that does not run', async () => {
  has(environment({ state: 'stopped' }));
  await show();
  await tab('Faults');
  el.querySelector<HTMLFormElement>('.sd-inject')?.requestSubmit();
  await rest();
  expect(sent('POST')).toEqual([]);
});

test('the keyboard stays with the faults when one is over', async () => {
  has(environment());
  await show();
  await tab('Faults');
  const fault = {
    id: 'f1',
    fault: 'latency',
    name: 'Slow link',
    link: { source: 'app', target: 'db' },
    arguments: {},
    state: 'active',
    started_at: 1000
  };
  await tell('fault.started', fault);
  button(el, 'Recover').focus();
  await tell('fault.ended', { ...fault, state: 'ended' }, 1005);
  expect(document.activeElement).toBe(el.querySelector('.sd-faults'));
});

function measuresTopology(): void {
  jest
    .spyOn(Element.prototype, 'clientWidth', 'get')
    .mockImplementation(function (this: Element) {
      return this.classList.contains('sd-topology') ? 600 : 0;
    });
}

test('a restart says its reason, and only a failure is an alert', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="app"]')?.click();
  await rest();
  const alert = (): Element | null =>
    el.querySelector('.sd-service-panel [role=alert]');
  const reason = 'server.py was saved';
  await tell('service.state', service('app', { state: 'restarting', reason }));
  expect(text('.sd-service-panel')).toContain(reason);
  expect(alert()).toBeNull();
  await tell('service.state', service('app', { state: 'failed', reason }));
  expect(alert()).not.toBeNull();
});

test('what is done to a service leaves the keyboard there', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="db"]')?.click();
  await rest();
  const panel = el.querySelector('.sd-service-panel');
  button(panel ?? el, 'Pause').focus();
  await tell('service.state', service('db', { state: 'paused' }));
  expect(document.activeElement?.textContent).toBe('Resume');
  button(panel ?? el, 'Stop').focus();
  await tell('service.state', service('db', { state: 'stopped' }));
  expect(document.activeElement).toBe(panel);
});

test('a service that is closed gives the keyboard back to its box', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="db"]')?.click();
  await rest();
  button(el, 'Close').focus();
  await press('Close');
  expect(el.querySelector('.sd-service-panel')).toBeNull();
  expect(document.activeElement).toBe(el.querySelector('[data-service="db"]'));
});

test('the second click of a double click does not undo the first', async () => {
  has(environment());
  await show();
  clickAgain(button(el, 'Run'));
  clickAgain(button(el, 'Stop'));
  await rest();
  expect(sent('POST')).toEqual([]);
});

test('what was typed is there again after a look at another tab', async () => {
  has(environment());
  await show();
  const seed = el.querySelector<HTMLInputElement>('.sd-seed');
  type(seed, '7');
  await tab('Faults');
  type(el.querySelector('.sd-inject input'), '300');
  transport.answers.set(
    'POST /v1/environments/w/faults',
    new ApiError('no such link', 'not_found', 404)
  );
  await press('Break it');
  await tab('Load');
  expect(el.querySelector<HTMLInputElement>('.sd-seed')?.value).toBe('7');
  await tab('Faults');
  const shown = el.querySelectorAll('[role=tabpanel]:not([hidden])');
  expect(shown).toHaveLength(1);
  expect(shown[0]?.id).toBe(
    el.querySelector('[aria-selected=true]')?.getAttribute('aria-controls')
  );
  expect(shown[0]?.querySelector('input')?.value).toBe('300');
  expect(shown[0]?.textContent).toContain('no such link');
});

test('check results come one by one, also of a check somebody else began', async () => {
  has(environment());
  await show();
  await tab('Checks');
  const result = {
    id: 'fast-enough',
    title: 'Fast enough',
    status: 'failed',
    measured: '900 ms',
    required: 'at most 100 ms',
    why: 'It reads the whole table.',
    points: 0,
    max_points: 10
  };
  await tell('check.result', result);
  expect(text('.sd-checks')).toContain('It reads the whole table.');
  expect(button(el, 'Checking').getAttribute('aria-disabled')).toBe('true');
  await tell('verdict', {
    lesson: 'l',
    status: 'failed',
    checks: [result],
    points: 0,
    max_points: 10,
    seed: 1,
    started_at: 990,
    duration_s: 10
  });
  expect(el.textContent).toContain('Not yet');
  expect(button(el, 'Check my fix')).toBeDefined();
});

test('a sample brings new figures, and nothing beside them is drawn', async () => {
  has(environment());
  await show();
  await tell('metric.sample', { values: { 'app.requests_per_s': 40 } }, 1000);
  expect(text('.sd-topology')).toContain('clients asks app, 40/s');
  const drawn = new Set<string>();
  const before = options.diffed;
  options.diffed = vnode => {
    if (typeof vnode.type === 'function') {
      drawn.add(vnode.type.name);
    }
    before?.(vnode);
  };
  try {
    const data = { values: { 'app.requests_per_s': 41 } };
    transport.stream.events([
      { seq: 7, ts: 1001, type: 'metric.sample', data } as never
    ]);
    await rest();
  } finally {
    if (before) {
      options.diffed = before;
    } else {
      delete options.diffed;
    }
  }
  expect(text('.sd-topology')).toContain('clients asks app, 41/s');
  expect([...drawn]).toEqual(['Spoken']);
});

test('what came over a link is gone with the service', async () => {
  has(environment());
  await show();
  await tell('metric.sample', { values: { 'db.transactions_per_s': 7 } });
  expect(text('.sd-topology')).toContain('app asks db, 7.0/s');
  await tell('service.state', service('app', { state: 'failed' }));
  expect(text('.sd-topology')).not.toContain('7.0/s');
  expect(text('.sd-topology')).toContain(
    'app asks db, nothing flows: app does not run'
  );
});

test('arrow keys move between tabs', async () => {
  has(environment());
  await show();
  el.querySelector('[role=tablist]')?.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })
  );
  await rest();
  expect(text('[aria-selected=true]')).toBe('Checks');
  expect(document.activeElement?.textContent).toBe('Checks');
});

test('a lost connection is said, and what was missed comes with the next one', async () => {
  has(environment());
  await show();
  transport.stream.opened();
  transport.stream.closed(null);
  await rest();
  expect(el.textContent).toContain('Connection lost');
  await rest(5000);
  expect(transport.stream.after).toBe(5);
  await tell('service.state', service('app', { state: 'paused' }));
  expect(el.textContent).toContain('Connected again');
});
