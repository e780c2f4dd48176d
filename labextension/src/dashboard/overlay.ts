/** Several runs on one axis: seconds since each one's beginning. */

import type { Run } from '../api/types';
import type { ChartData, Column } from '../charts/ring';
import { TickSeries } from '../widget/run/ticks';

/** What runs are laid onto: half-seconds, as a chart of a run begins with. */
const STEP_S = 0.5;

/** Return p95 in ms of each run, in their order. */
export function overlay(runs: readonly Run[]): ChartData {
  const columns = runs.map(run => {
    const ticks = new TickSeries();
    run.ticks.forEach(tick => {
      ticks.add(tick);
    });
    const [times, , p95] = ticks.latency();
    return new Map(
      times.map((time, index) => [
        Math.round(time / STEP_S),
        p95?.[index] ?? null
      ])
    );
  });
  const slots = [
    ...new Set(columns.flatMap(column => [...column.keys()]))
  ].sort((a, b) => a - b);
  return [
    slots.map(slot => slot * STEP_S),
    ...columns.map((column): Column => fill(slots, column))
  ];
}

/** A longer run has wider buckets: between two of its points the line goes on. */
function fill(
  slots: readonly number[],
  column: ReadonlyMap<number, number | null>
): Column {
  const last = Math.max(0, ...column.keys());
  let before: number | null = null;
  return slots.map(slot => {
    const value = column.get(slot);
    if (value !== undefined) {
      before = value;
      return value;
    }
    return slot < last ? before : null;
  });
}
