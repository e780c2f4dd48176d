/** An environment that is ready, as the control plane of a test tells of it. */

import type { EnvironmentStatus, ServiceStatus } from '../src/api/types';
import type { ScriptedTransport } from './transport';

export function service(
  name: string,
  rest: Partial<ServiceStatus> = {}
): ServiceStatus {
  return {
    name,
    kind: name === 'db' ? 'postgres' : 'python',
    state: 'ready',
    reason: '',
    url: null,
    cpus: 0.5,
    memory_bytes: null,
    pid: 1,
    ...rest
  };
}

export function environment(
  rest: Partial<EnvironmentStatus> = {}
): EnvironmentStatus {
  return {
    id: 'w',
    lesson: 'l',
    workspace: 'w',
    runtime: 'embedded',
    state: 'ready',
    reason: '',
    progress: null,
    services: [service('db', { cpus: 0.4 })],
    links: [],
    url: null,
    migrations: [],
    pending: [],
    started_at: 1,
    last_seq: 5,
    ...rest
  };
}

export function has(
  transport: ScriptedTransport,
  status: EnvironmentStatus
): void {
  transport.answers.set('GET /v1/environments/w', status);
  transport.answers.set('GET /v1/environments/w/metrics', {
    ts: [],
    values: {}
  });
}
