/**
 * The ticks of a run, gathered into at most `MOST` buckets however long it takes.
 *
 * A tick is 100 ms; its percentiles are of few requests. A bucket's percentile is the mean of its
 * ticks' weighted by requests, which is what a chart can say without the histograms. Of a long run
 * that was kept only every so many ticks are there, so that a rate is one of the ticks' own time.
 */

import type { RunTick } from '../../api/types';
import type { ChartData, Column } from '../../charts/ring';

const TICK_S = 0.1;
const FIRST_WIDTH_S = 0.5;
const MOST = 600;

interface IBucket {
  /** Both in seconds since the start of the run. */
  start: number;
  end: number;
  /** How long its ticks are together, in seconds. */
  ticked: number;
  done: number;
  errors: number;
  lag: number;
  weight: number;
  p50: number;
  p95: number;
  p99: number;
}

export class TickSeries {
  /** Sums over everything so far. */
  readonly total = { done: 0, errors: 0 };

  /** The newest tick. */
  latest: RunTick | null = null;

  /** Add a tick; one that is there already (it came twice) is ignored. */
  add(tick: RunTick): void {
    if (this.latest && tick.t_s <= this.latest.t_s) {
      return;
    }
    const before = this.latest?.t_s ?? 0;
    this.latest = tick;
    const errors = sum(tick.errors);
    this.total.done += tick.done;
    this.total.errors += errors;
    const slot = Math.ceil(tick.t_s / this._width - 1e-9);
    let bucket = this._buckets.at(-1);
    if (!bucket || slot !== this._slot) {
      bucket = fresh(before);
      this._buckets.push(bucket);
      this._slot = slot;
    }
    bucket.end = tick.t_s;
    bucket.ticked += lengthOf(tick, errors);
    bucket.done += tick.done;
    bucket.errors += errors;
    bucket.lag = Math.max(bucket.lag, tick.lag_p99_ms);
    if (tick.p50_ms != null && tick.p95_ms != null && tick.p99_ms != null) {
      const weight = Math.max(tick.done, 1);
      bucket.weight += weight;
      bucket.p50 += weight * tick.p50_ms;
      bucket.p95 += weight * tick.p95_ms;
      bucket.p99 += weight * tick.p99_ms;
    }
    if (this._buckets.length > MOST) {
      this._halve();
    }
  }

  clear(): void {
    this.latest = null;
    this.total.done = this.total.errors = 0;
    this._buckets = [];
    this._slot = -1;
    this._width = FIRST_WIDTH_S;
  }

  /** Requests per second, errors per second. */
  throughput(): ChartData {
    return this._data(
      bucket => perSecond(bucket.done, bucket),
      bucket => perSecond(bucket.errors, bucket)
    );
  }

  /** p50, p95, p99 in ms. */
  latency(): ChartData {
    const mean =
      (name: 'p50' | 'p95' | 'p99') =>
      (bucket: IBucket): number | null =>
        bucket.weight > 0 ? bucket[name] / bucket.weight : null;
    return this._data(mean('p50'), mean('p95'), mean('p99'));
  }

  /** The generator's scheduling lag in ms. */
  lag(): ChartData {
    return this._data(bucket => bucket.lag);
  }

  private _data(
    ...reads: readonly ((bucket: IBucket) => number | null)[]
  ): ChartData {
    const shown = this._whole();
    return [
      shown.map(bucket => bucket.end),
      ...reads.map((read): Column => shown.map(read))
    ];
  }

  /** Without a bucket that has only begun: a rate of a few milliseconds says nothing. */
  private _whole(): readonly IBucket[] {
    const last = this._buckets.at(-1);
    return last &&
      this._buckets.length > 1 &&
      last.end - last.start < this._width / 2
      ? this._buckets.slice(0, -1)
      : this._buckets;
  }

  private _halve(): void {
    const merged: IBucket[] = [];
    for (let index = 0; index < this._buckets.length; index += 2) {
      const [first, second] = this._buckets.slice(index, index + 2);
      if (first) {
        merged.push(second ? join(first, second) : first);
      }
    }
    this._buckets = merged;
    this._width *= 2;
    this._slot = Math.ceil((this.latest?.t_s ?? 0) / this._width - 1e-9);
  }

  private _buckets: IBucket[] = [];
  private _slot = -1;
  private _width = FIRST_WIDTH_S;
}

/** Thin out to at most `most` ticks, the last one kept: what a notebook file can hold. */
export function thinned(
  ticks: readonly RunTick[],
  most: number
): readonly RunTick[] {
  if (ticks.length <= most) {
    return ticks;
  }
  const step = Math.ceil(ticks.length / most);
  return ticks.filter((_, index) => (ticks.length - 1 - index) % step === 0);
}

/** All errors together. */
export function sum(errors: Readonly<Record<string, number>>): number {
  return Object.values(errors).reduce((total, count) => total + count, 0);
}

function perSecond(count: number, { ticked }: IBucket): number {
  return count / ticked;
}

/** The seconds of a tick: the first after a stall is longer, and the last of a run is shorter. */
export function lengthOf({ done, rps }: RunTick, errors: number): number {
  const ok = done - errors;
  return ok > 0 && rps > 0 ? ok / rps : TICK_S;
}

function fresh(start: number): IBucket {
  return {
    start,
    end: start,
    ticked: 0,
    done: 0,
    errors: 0,
    lag: 0,
    weight: 0,
    p50: 0,
    p95: 0,
    p99: 0
  };
}

function join(first: IBucket, second: IBucket): IBucket {
  return {
    start: first.start,
    end: second.end,
    ticked: first.ticked + second.ticked,
    done: first.done + second.done,
    errors: first.errors + second.errors,
    lag: Math.max(first.lag, second.lag),
    weight: first.weight + second.weight,
    p50: first.p50 + second.p50,
    p95: first.p95 + second.p95,
    p99: first.p99 + second.p99
  };
}
