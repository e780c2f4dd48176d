/** The newest points of several series on one time axis, in the form uPlot draws. */

export type Column = (number | null)[];

/** A time axis, then one column per series. */
export type ChartData = [number[], ...Column[]];

export class SeriesRing {
  constructor(
    readonly names: readonly string[],
    private readonly _capacity: number
  ) {
    this._columns = names.map(() => []);
  }

  get length(): number {
    return this._times.length;
  }

  /** Append one point; a missing value is a hole. Points not later than the last are ignored. */
  push(
    time: number,
    values: Readonly<Record<string, number | null | undefined>>
  ): void {
    const last = this._times.at(-1);
    if (last !== undefined && time <= last) {
      return;
    }
    this._times.push(time);
    this.names.forEach((name, index) => {
      this._columns[index]?.push(values[name] ?? null);
    });
    // Trimming now and then costs less than shifting whole arrays at every point.
    if (this._times.length >= 2 * this._capacity) {
      const extra = this._times.length - this._capacity;
      this._times.splice(0, extra);
      this._columns.forEach(column => column.splice(0, extra));
    }
  }

  clear(): void {
    this._times.length = 0;
    this._columns.forEach(column => {
      column.length = 0;
    });
  }

  /** The newest value of a series, holes left out. */
  latest(name: string): number | null {
    return this.column(name).findLast(value => value !== null) ?? null;
  }

  /** The values of one series, oldest first, at most the capacity. */
  column(name: string): Column {
    return (
      this._columns[this.names.indexOf(name)]?.slice(-this._capacity) ?? []
    );
  }

  /** All of it, at most the capacity. */
  data(): ChartData {
    return [
      this._times.slice(-this._capacity),
      ...this._columns.map(column => column.slice(-this._capacity))
    ];
  }

  private readonly _times: number[] = [];
  private readonly _columns: Column[];
}
