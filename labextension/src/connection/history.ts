/** The newest events of a stream, kept so that a view that looked away can catch up. */

import type { StreamEvent } from '../api/events';

export class History {
  constructor(private readonly _capacity = 4096) {}

  /** Number of the newest event, or null before the first. */
  get last(): number | null {
    return this._last;
  }

  /** Append; answers false for an event that was there already. */
  add(event: StreamEvent): boolean {
    if (this._last !== null && event.seq <= this._last) {
      return false;
    }
    this._completeAfter ??= event.seq - 1;
    this._last = event.seq;
    this._events.push(event);
    if (this._events.length > 2 * this._capacity) {
      const dropped = this._events.splice(
        0,
        this._events.length - this._capacity
      );
      this._completeAfter = dropped.at(-1)?.seq ?? this._completeAfter;
    }
    return true;
  }

  /** Everything later than `after`, or null where that reaches back too far. */
  since(after: number): readonly StreamEvent[] | null {
    if (this._completeAfter === null || after < this._completeAfter) {
      return null;
    }
    return this._events.filter(event => event.seq > after);
  }

  clear(): void {
    this._events = [];
    this._last = null;
    this._completeAfter = null;
  }

  private _events: StreamEvent[] = [];
  private _last: number | null = null;
  private _completeAfter: number | null = null;
}
