/** Every metric of the last minutes: one time axis, and a column for each name there is. */

import type { ChartData, Column } from './ring';

/** Names as the API has them (`db.cpu_cores`), values as samples bring them. */
export type Sample = Readonly<Record<string, number | null | undefined>>;

export interface ISampleSeries {
  ts: readonly number[];
  values: Readonly<Record<string, readonly (number | null)[]>>;
}

/** Where nothing was sampled for longer than this and for several intervals, lines have a hole. */
const HOLE_S = 4;
const HOLE_INTERVALS = 3.5;

export class MetricStore {
  /** @param _keep how far back samples are kept, in the unit of time. */
  constructor(private readonly _keep: number) {}

  /** Grows with every change; tells whether there is anything to draw. */
  get version(): number {
    return this._version;
  }

  get names(): readonly string[] {
    return [...this._columns.keys()];
  }

  /** How many names there are. */
  get size(): number {
    return this._columns.size;
  }

  /** Grows whenever it begins anew, so that what was drawn is not true any more. */
  get epoch(): number {
    return this._epoch;
  }

  /** Time of the newest sample, or null. */
  get end(): number | null {
    return this._times.at(-1) ?? null;
  }

  has(name: string): boolean {
    return this._columns.has(name);
  }

  /** Append a sample; one that is not later than the last is there already. */
  add(time: number, values: Sample): void {
    const last = this._times.at(-1);
    if (last !== undefined && time <= last) {
      return;
    }
    if (last !== undefined && isHole(time, last, this._times.at(-2))) {
      this._append(last + 1, {});
    }
    this._append(time, values);
    this._trim();
  }

  /** Begin anew with samples that were kept. */
  load({ ts, values }: ISampleSeries): void {
    this.clear();
    const from = (ts.at(-1) ?? 0) - this._keep;
    // Rows to take; -1: a hole before the next one.
    const rows: number[] = [];
    ts.forEach((time, row) => {
      const last = ts[row - 1];
      if (time < from) {
        return;
      }
      if (
        last !== undefined &&
        rows.length > 0 &&
        isHole(time, last, ts[row - 2])
      ) {
        rows.push(-1);
        this._times.push(last + 1);
      }
      rows.push(row);
      this._times.push(time);
    });
    for (const [name, column] of Object.entries(values)) {
      this._columns.set(
        name,
        rows.map(row => column[row] ?? null)
      );
    }
  }

  clear(): void {
    this._times = [];
    this._columns.clear();
    this._version += 1;
    this._epoch += 1;
  }

  /** The newest value of a metric; null where the last sample has none. */
  latest(name: string): number | null {
    return this._columns.get(name)?.at(-1) ?? null;
  }

  /**
   * These metrics from the last sample before `from` on, up to `to`; unknown ones are holes
   * throughout.
   */
  window(names: readonly string[], from: number, to = Infinity): ChartData {
    const first = Math.max(0, this._index(from) - 1);
    const last = to === Infinity ? this._times.length : this._index(to + 1e-6);
    const times = this._times.slice(first, last);
    return [
      times,
      ...names.map(
        name =>
          this._columns.get(name)?.slice(first, last) ??
          new Array<number | null>(times.length).fill(null)
      )
    ];
  }

  private _append(time: number, values: Sample): void {
    const before = this._times.length;
    this._times.push(time);
    for (const [name, column] of this._columns) {
      column.push(values[name] ?? null);
    }
    for (const name of Object.keys(values)) {
      if (!this._columns.has(name)) {
        const column: Column = new Array<number | null>(before).fill(null);
        column.push(values[name] ?? null);
        this._columns.set(name, column);
      }
    }
    this._version += 1;
  }

  private _trim(): void {
    // Now and then, as in SeriesRing.
    const first = this._times[0] ?? 0;
    const last = this._times.at(-1) ?? 0;
    if (last - first >= 1.25 * this._keep) {
      const extra = Math.max(0, this._index(last - this._keep) - 1);
      this._times = this._times.slice(extra);
      for (const [name, column] of this._columns) {
        this._columns.set(name, column.slice(extra));
      }
    }
  }

  /** Where the first sample not before `time` is. */
  private _index(time: number): number {
    let low = 0;
    let high = this._times.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this._times[middle] ?? 0) < time) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private _times: number[] = [];
  private readonly _columns = new Map<string, Column>();
  private _version = 0;
  private _epoch = 0;
}

/** Whether something is missing between `last` and `time`, from how far `last` is from `before`. */
function isHole(
  time: number,
  last: number,
  before: number | undefined
): boolean {
  const interval = before === undefined ? 0 : last - before;
  return time - last > Math.max(HOLE_S, HOLE_INTERVALS * interval);
}
