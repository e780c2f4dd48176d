/** What the view of a run knows, and how events change it. */

import type { StreamEvent } from '../../api/events';
import { isRecord, isString } from '../../api/guards';
import type { MetricSeries, Run } from '../../api/types';
import { SeriesRing } from '../../charts/ring';
import { TickSeries } from './ticks';

const CPU_POINTS = 1200;
const CPU = '.cpu_cores';

/** Ticks and CPU of one run, and the run itself. */
export class RunState {
  readonly ticks = new TickSeries();
  run: Run | null = null;
  cpu = new SeriesRing([], CPU_POINTS);

  /** Begin with the run as it was kept, if it was. */
  constructor(stored: Run | null) {
    if (stored) {
      this.load(stored);
    }
  }

  load(run: Run): void {
    this.run = run;
    this.ticks.clear();
    for (const tick of run.ticks) {
      this.ticks.add(tick);
    }
    if (run.metrics && run.metrics.ts.length > 0) {
      this.loadCpu(run.metrics);
    }
  }

  /** Take the run as it ended; where it says nothing of what was measured, what came stays. */
  end(run: Run): void {
    if (run.ticks.length > 0) {
      this.load(run);
    } else {
      const { ticks, metrics } = this.run ?? run;
      this.run = { ...run, ticks, metrics };
    }
  }

  /** Draw these services; points so far are dropped when they are others than before. */
  watch(services: readonly string[]): void {
    if (services.join() !== this.cpu.names.join()) {
      this.cpu = new SeriesRing(services, CPU_POINTS);
      if (this.run?.metrics) {
        this.loadCpu(this.run.metrics);
      }
    }
  }

  advance(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.type === 'run.tick' && event.data.run === this.run?.id) {
        this.ticks.add(event.data);
      } else if (event.type === 'run.done' && event.data.id === this.run?.id) {
        this.end(event.data);
      } else if (
        event.type === 'metric.sample' &&
        this.run?.state === 'running'
      ) {
        this.addCpu(event.ts, event.data.values);
      }
    }
  }

  private loadCpu(series: MetricSeries): void {
    if (this.cpu.names.length === 0) {
      const services = Object.keys(series.values)
        .filter(name => name.endsWith(CPU))
        .map(name => name.slice(0, -CPU.length));
      this.cpu = new SeriesRing(services, CPU_POINTS);
    }
    this.cpu.clear();
    series.ts.forEach((ts, index) => {
      const values: Record<string, number | null> = {};
      for (const name of this.cpu.names) {
        values[name + CPU] = series.values[name + CPU]?.[index] ?? null;
      }
      this.addCpu(ts, values);
    });
  }

  private addCpu(
    ts: number,
    values: Readonly<Record<string, number | null>>
  ): void {
    const since = ts - (this.run?.started_at ?? ts);
    if (since >= 0) {
      this.cpu.push(
        since,
        Object.fromEntries(
          this.cpu.names.map(name => [name, values[name + CPU] ?? null])
        )
      );
    }
  }
}

/** The run in a snapshot, or null. */
export function storedRun(value: unknown): Run | null {
  // Written by Python of the same package from the same model.
  return isRecord(value) &&
    isString(value['id']) &&
    Array.isArray(value['ticks'])
    ? (value as Run)
    : null;
}
