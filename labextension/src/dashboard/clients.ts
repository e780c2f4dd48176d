/**
 * A run as its clients see it, second by second on the same clock as the metrics.
 *
 * A tick's percentiles are of few requests; a second's are the mean of its ticks' weighted by
 * requests, as in `widget/run/ticks.ts`.
 */

import type { Run, RunTick } from '../api/types';
import { MetricStore } from '../charts/store';
import { lengthOf, sum } from '../widget/run/ticks';

/** Names of the columns. */
export const CLIENTS = {
  rps: 'clients.rps',
  errors: 'clients.errors_per_s',
  p50: 'clients.p50_ms',
  p95: 'clients.p95_ms',
  p99: 'clients.p99_ms',
  waiting: 'clients.in_flight'
} as const;

interface ISecond {
  run: string;
  at: number;
  /** How long its ticks are together, in seconds. */
  ticked: number;
  ok: number;
  errors: number;
  weight: number;
  p50: number;
  p95: number;
  p99: number;
  waiting: number;
}

export class ClientSeries {
  readonly store: MetricStore;

  /** @param keep_s how far back seconds are kept. */
  constructor(keep_s: number) {
    this.store = new MetricStore(keep_s);
  }

  /** The run that ticks last, its newest tick, and what it did so far. */
  latest: RunTick | null = null;
  done = 0;
  failed = 0;

  /** Take in the whole of a run that was fetched. */
  load(run: Run): void {
    for (const tick of run.ticks) {
      this.add(tick, run.started_at + tick.t_s);
    }
  }

  /** Take in a tick that ended at `ts` (s since the epoch); one that came before is ignored. */
  add(tick: RunTick, ts: number): void {
    if (this.latest?.run === tick.run) {
      if (tick.t_s <= this.latest.t_s) {
        return;
      }
    } else {
      this.close();
      this.done = this.failed = 0;
    }
    this.latest = tick;
    const errors = sum(tick.errors);
    this.done += tick.done;
    this.failed += errors;
    const at = Math.floor(ts);
    if (this._second && this._second.at !== at) {
      this.close();
    }
    this._second ??= fresh(tick.run, at);
    const second = this._second;
    second.ticked += lengthOf(tick, errors);
    second.ok += tick.done - errors;
    second.errors += errors;
    second.waiting = Math.max(second.waiting, tick.in_flight);
    if (tick.p50_ms != null && tick.p95_ms != null && tick.p99_ms != null) {
      const weight = Math.max(tick.done, 1);
      second.weight += weight;
      second.p50 += weight * tick.p50_ms;
      second.p95 += weight * tick.p95_ms;
      second.p99 += weight * tick.p99_ms;
    }
  }

  /** Draw the second that is under way: the run has ended. */
  close(): void {
    const second = this._second;
    this._second = null;
    if (!second) {
      return;
    }
    const mean = (total: number): number | null =>
      second.weight > 0 ? total / second.weight : null;
    this.store.add(second.at + 1, {
      [CLIENTS.rps]: second.ok / second.ticked,
      [CLIENTS.errors]: second.errors / second.ticked,
      [CLIENTS.p50]: mean(second.p50),
      [CLIENTS.p95]: mean(second.p95),
      [CLIENTS.p99]: mean(second.p99),
      [CLIENTS.waiting]: second.waiting
    });
  }

  clear(): void {
    this._second = null;
    this.latest = null;
    this.done = this.failed = 0;
    this.store.clear();
  }

  private _second: ISecond | null = null;
}

function fresh(run: string, at: number): ISecond {
  return {
    run,
    at,
    ticked: 0,
    ok: 0,
    errors: 0,
    weight: 0,
    p50: 0,
    p95: 0,
    p99: 0,
    waiting: 0
  };
}
