/** What the panel knows, and how events change it. */

import type { StreamEvent } from '../../api/events';
import type {
  EnvironmentStatus,
  MetricSeries,
  ServiceStatus
} from '../../api/types';
import { SeriesRing } from '../../charts/ring';
import { t } from '../../i18n';
import { environmentWord, serviceWord } from '../states';

export interface IPanelState {
  status: EnvironmentStatus | null;
  /** The file saved last, and when (s since the epoch). */
  saved: { path: string; ts: number } | null;
}

/** Return the state after `events`. */
export function advance(
  state: IPanelState,
  events: readonly StreamEvent[]
): IPanelState {
  let { status, saved } = state;
  for (const event of events) {
    if (event.type === 'environment.state') {
      status = event.data;
    } else if (event.type === 'service.state' && status) {
      status = withService(status, event.data);
    } else if (event.type === 'file.saved') {
      saved = { path: event.data.path, ts: event.ts };
    }
  }
  return { status, saved };
}

function withService(
  status: EnvironmentStatus,
  changed: ServiceStatus
): EnvironmentStatus {
  return {
    ...status,
    services: status.services.map(service =>
      service.name === changed.name ? changed : service
    )
  };
}

/** Say what changed between two states, for those who do not see it. */
export function spoken(
  before: EnvironmentStatus | null,
  after: EnvironmentStatus | null
): string {
  if (!after || !before) {
    return '';
  }
  const parts: string[] = [];
  if (before.state !== after.state) {
    parts.push(
      t('Environment: {state}', { state: environmentWord(after.state).word })
    );
  }
  for (const service of after.services) {
    const old = before.services.find(({ name }) => name === service.name);
    if (old && old.state !== service.state) {
      parts.push(
        t('{service}: {state}', {
          service: service.name,
          state: serviceWord(service.state).word
        })
      );
    }
  }
  return parts.join(', ');
}

/** Minutes of CPU use per service that a card shows. */
export const SPAN_S = 60;

/** CPU and memory of every service, the last minute of it. */
export class Usage {
  /** Replace everything by the samples the control plane kept. */
  load(series: MetricSeries): void {
    this._cpu.clear();
    this._memory.clear();
    series.ts.forEach((ts, index) => {
      const values: Record<string, number | null> = {};
      for (const [name, column] of Object.entries(series.values)) {
        values[name] = column[index] ?? null;
      }
      this.add(ts, values);
    });
  }

  add(ts: number, values: Readonly<Record<string, number | null>>): void {
    for (const [name, value] of Object.entries(values)) {
      const [service, metric] = split(name);
      if (metric === 'cpu_cores') {
        let ring = this._cpu.get(service);
        if (!ring) {
          ring = new SeriesRing(['cpu'], SPAN_S);
          this._cpu.set(service, ring);
        }
        ring.push(ts, { cpu: value });
      } else if (metric === 'memory_bytes') {
        this._memory.set(service, value);
      }
    }
  }

  cpu(service: string): readonly (number | null)[] {
    return this._cpu.get(service)?.column('cpu') ?? [];
  }

  latestCpu(service: string): number | null {
    return this._cpu.get(service)?.column('cpu').at(-1) ?? null;
  }

  memory(service: string): number | null {
    return this._memory.get(service) ?? null;
  }

  private readonly _cpu = new Map<string, SeriesRing>();
  private readonly _memory = new Map<string, number | null>();
}

function split(name: string): [string, string] {
  const dot = name.indexOf('.');
  return [name.slice(0, dot), name.slice(dot + 1)];
}
