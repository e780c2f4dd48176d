/** A dashboard in a page, and the hands of somebody who uses it; the control plane is a script. */

import { render } from 'preact';
import { ApiError } from '../../src/api/problem';
import type { EnvironmentStatus } from '../../src/api/types';
import { hubOf } from '../../src/connection/choose';
import type { EventHub } from '../../src/connection/hub';
import { Dashboard } from '../../src/dashboard/Dashboard';
import type { ISysdesignSettings } from '../../src/tokens';
import { button, rest } from '../browser';
import { environment as ready, service } from '../environment';
import { ScriptedTransport } from '../transport';

export let transport: ScriptedTransport;
export let el: HTMLElement;
export let gone: number;
export let opened: string[];
let seq: number;

export { service };

/** Two services, one of which asks the other. */
export function environment(
  more: Partial<EnvironmentStatus> = {}
): EnvironmentStatus {
  return ready({
    services: [service('app', { url: 'http://127.0.0.1:1' }), service('db')],
    links: [{ source: 'app', target: 'db', marked: true }],
    url: 'http://127.0.0.1:1',
    ...more
  });
}

export function has(status: EnvironmentStatus): void {
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

export const WORKSPACE = {
  id: 'w',
  lesson: 'l',
  folder: '/home/you/l',
  path: 'sysdesign/l',
  has_services: true
};

export function losesWorkspace(): void {
  transport.answers.set(
    'GET /v1/workspaces/w',
    new ApiError('no such workspace', 'not_found', 404)
  );
}

export async function show(
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

export async function tell(
  type: string,
  data: unknown,
  ts = 1000
): Promise<void> {
  seq += 1;
  transport.stream.opened();
  transport.stream.events([{ seq, ts, type, data } as never]);
  await rest();
}

export async function tab(name: string): Promise<void> {
  const found = [...el.querySelectorAll<HTMLElement>('[role=tab]')].find(each =>
    each.textContent.startsWith(name)
  );
  found?.click();
  await rest();
}

export async function press(text: string): Promise<void> {
  button(el, text).click();
  await rest();
}

export function sent(method: string): [path: string, body: unknown][] {
  return transport.requests
    .filter(each => each.method === method)
    .map(({ path, body }) => [path, body] as [string, unknown]);
}

export function text(selector: string): string {
  return el.querySelector(selector)?.textContent ?? '';
}

/** An empty page before each test, and nothing of it after. */
export function eachTimeAnew(): void {
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
}
