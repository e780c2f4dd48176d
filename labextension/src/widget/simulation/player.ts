/** Where a viewer stands in a run, and how time passes for them. */

import type { Timeline } from './timeline';

/** Simulated µs in a second of the viewer's. */
export const SPEEDS = [
  5_000, 10_000, 20_000, 50_000, 100_000, 300_000, 1_000_000
] as const;

export class Player {
  constructor(private _timeline: Timeline) {}

  /** Simulated time, µs; not always that of a step. */
  get time(): number {
    return this._time;
  }

  /** The step whose effects are seen. */
  get step(): number {
    return this._step;
  }

  /** How far the viewer has ever come in this run: what lies behind is no secret any more. */
  get seen(): number {
    return this._seen;
  }

  /** 1 while it plays, -1 while it rewinds, 0 while it stands. */
  get direction(): -1 | 0 | 1 {
    return this._direction;
  }

  speed = 50_000;

  /** Look at another run, at the same moment; until `known` it is like the one that was seen. */
  show(timeline: Timeline, known: number): void {
    this._seenOf.set(this._timeline, this._seen);
    this._timeline = timeline;
    this._seen = this._seenOf.get(timeline) ?? Math.min(this._seen, known);
    this.seek(Math.min(this._time, timeline.end));
  }

  play(direction: -1 | 1): void {
    const { end } = this._timeline;
    if (direction > 0 && this._time >= end) {
      this.seek(0);
    }
    this._direction = direction;
  }

  pause(): void {
    this._direction = 0;
  }

  /** Let `elapsed` ms of the viewer's pass; whether anything moved. */
  advance(elapsed: number): boolean {
    if (this._direction === 0) {
      return false;
    }
    // A frame may carry a moment before the click that started it.
    const passed = Math.max(elapsed, 0);
    const next = this._time + (this._direction * this.speed * passed) / 1000;
    const { end } = this._timeline;
    this._move(Math.min(Math.max(next, 0), end));
    if (this._direction > 0 ? this._time >= end : this._time <= 0) {
      this._direction = 0;
    }
    return true;
  }

  /** Go to a moment; what happens at that moment has happened. */
  seek(time: number): void {
    this._direction = 0;
    this._move(Math.min(Math.max(time, 0), this._timeline.end));
  }

  /** Go some steps on or back, and stand. */
  move(steps: number): void {
    this.goTo(this._step + steps);
  }

  goTo(step: number): void {
    this._direction = 0;
    const at = this._timeline.step(step);
    this._step = at.index;
    this._time = at.t;
    this._seen = Math.max(this._seen, this._time);
  }

  private _move(time: number): void {
    this._time = time;
    this._step = this._timeline.stepAt(time);
    this._seen = Math.max(this._seen, time);
  }

  private _time = 0;
  private _step = 0;
  private _seen = 0;
  private readonly _seenOf = new WeakMap<Timeline, number>();
  private _direction: -1 | 0 | 1 = 0;
}
