/**
 * One event subscription per environment and page, shared by all views that look at it.
 *
 * It resumes after the last `seq` it saw, comes back by itself with growing waits, hands events over
 * in batches (one per animation frame), and closes when nobody looks.
 */

import { DROPPABLE, gap, type StreamEvent } from '../api/events';
import { asProblem, type ApiError } from '../api/problem';
import { backoffMs } from './backoff';
import { FrameBatch } from './frame';
import { History } from './history';
import type { ITransport } from './transport';

export type StreamStatus =
  | { state: 'connecting' }
  | { state: 'live' }
  /** The connection broke; another attempt comes by itself. */
  | { state: 'waiting'; attempt: number }
  /** Not to be had: the environment does not exist, or access is denied. */
  | { state: 'ended'; problem: ApiError };

export interface ISubscriber {
  /** Events up to this `seq` are known already; 0: none are. */
  after: number;
  onEvents(events: readonly StreamEvent[]): void;
  onStatus(status: StreamStatus): void;
}

interface IEntry {
  subscriber: ISubscriber;
  pending: StreamEvent[];
  /** The last event of the stream that it has, or that is pending. */
  after: number;
}

const LINGER_MS = 3000;
const STEADY_MS = 5000;
const WATCH_MS = 5000;
const ASLEEP_MS = 20_000;
const MOST_PENDING = 5000;

export class EventHub {
  constructor(
    private readonly _environment: string,
    private readonly _transport: ITransport
  ) {}

  get status(): StreamStatus {
    return this._status;
  }

  /** Join; the result leaves. Missed events come first, or a `gap` where they are gone. */
  subscribe(subscriber: ISubscriber): () => void {
    const entry: IEntry = {
      subscriber,
      pending: [],
      after: subscriber.after
    };
    const { last } = this._history;
    if (last !== null && entry.after < last) {
      entry.pending.push(
        ...(this._history.since(entry.after) ?? [gap(entry.after + 1, last)])
      );
      entry.after = last;
      this._batch.request();
    }
    this._entries.add(entry);
    if (this._linger !== null) {
      clearTimeout(this._linger);
      this._linger = null;
    }
    if (this._close === null && this._retry === null) {
      this._attempt = 0;
      this._connect();
    }
    subscriber.onStatus(this._status);
    return () => {
      this._entries.delete(entry);
      if (this._entries.size === 0 && this._linger === null) {
        this._linger = setTimeout(() => {
          this._linger = null;
          this._disconnect();
          this._setStatus({ state: 'connecting' });
        }, LINGER_MS);
      }
    };
  }

  /** The server is known to answer: do not wait for the next attempt. */
  wake(): void {
    if (this._entries.size > 0 && this._close === null) {
      this._disconnect();
      this._connect();
    }
  }

  /** End for good. */
  dispose(): void {
    this._entries.clear();
    this._batch.cancel();
    if (this._linger !== null) {
      clearTimeout(this._linger);
      this._linger = null;
    }
    this._disconnect();
  }

  private _connect(): void {
    const after =
      this._history.last ??
      Math.min(...[...this._entries].map(entry => entry.after));
    if (this._status.state !== 'waiting') {
      this._setStatus({ state: 'connecting' });
    }
    let opened = false;
    let current = true;
    const close = this._transport.open(this._environment, after, {
      opened: () => {
        if (current) {
          opened = true;
          this._refusals = 0;
          this._steady = setTimeout(() => {
            this._attempt = 0;
          }, STEADY_MS);
          this._setStatus({ state: 'live' });
        }
      },
      events: events => {
        if (current) {
          this._receive(events);
        }
      },
      closed: problem => {
        if (current) {
          current = false;
          this._close = null;
          this._lost(opened, problem);
        }
      }
    });
    this._close = () => {
      current = false;
      close();
    };
    this._startWatching();
    window.addEventListener('online', this._wake);
    document.addEventListener('visibilitychange', this._wake);
  }

  private _receive(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (!this._history.add(event)) {
        continue;
      }
      for (const entry of this._entries) {
        if (event.seq > entry.after) {
          entry.pending.push(event);
          entry.after = event.seq;
        }
      }
    }
    this._batch.request();
  }

  private readonly _flush = (): void => {
    for (const entry of [...this._entries]) {
      if (entry.pending.length === 0) {
        continue;
      }
      const batch =
        entry.pending.length > MOST_PENDING
          ? entry.pending.filter(event => !DROPPABLE.has(event.type))
          : entry.pending;
      entry.pending = [];
      entry.subscriber.onEvents(batch);
    }
  };

  private _lost(opened: boolean, problem: ApiError | null): void {
    this._stopTimers();
    if (problem?.code === 'not_found') {
      this._startAnew(); // what comes under this name next has a history of its own
    }
    if (this._entries.size === 0) {
      return;
    }
    this._attempt += 1;
    if (problem && !problem.transient) {
      this._setStatus({ state: 'ended', problem });
      return;
    }
    this._setStatus({ state: 'waiting', attempt: this._attempt });
    this._retry = setTimeout(() => {
      this._retry = null;
      if (opened) {
        this._connect();
      } else {
        void this._ask();
      }
    }, backoffMs(this._attempt));
  }

  /** A socket that never opened does not say why: ask over plain HTTP. */
  private async _ask(): Promise<void> {
    const asked = this._attempt;
    try {
      await this._transport.request(
        'GET',
        `/v1/environments/${encodeURIComponent(this._environment)}`
      );
    } catch (error) {
      const problem = asProblem(error);
      if (asked !== this._attempt || this._close || this._retry) {
        return;
      }
      this._lost(false, problem);
      return;
    }
    if (asked !== this._attempt || this._close || this._retry) {
      return;
    }
    this._refusals += 1;
    if (this._refusals > 1) {
      // The environment is there, but not our place in its history: it was made anew.
      this._startAnew();
    }
    this._connect();
  }

  private _startAnew(): void {
    const last = this._history.last ?? 0;
    this._history.clear();
    for (const entry of this._entries) {
      entry.after = 0;
      entry.pending = [gap(1, last)];
    }
    this._batch.request();
  }

  private _disconnect(): void {
    this._stopTimers();
    if (this._retry !== null) {
      clearTimeout(this._retry);
      this._retry = null;
    }
    this._close?.();
    this._close = null;
    window.removeEventListener('online', this._wake);
    document.removeEventListener('visibilitychange', this._wake);
  }

  private _setStatus(status: StreamStatus): void {
    this._status = status;
    for (const entry of [...this._entries]) {
      entry.subscriber.onStatus(status);
    }
  }

  private _startWatching(): void {
    this._stopTimers();
    let last = Date.now();
    this._watch = setInterval(() => {
      const now = Date.now();
      const asleep = now - last > ASLEEP_MS;
      last = now;
      if (asleep && this._entries.size > 0) {
        // A socket from before a laptop's sleep looks open and is not.
        this._disconnect();
        this._setStatus({ state: 'waiting', attempt: 1 });
        this._connect();
      }
    }, WATCH_MS);
  }

  private _stopTimers(): void {
    if (this._watch !== null) {
      clearInterval(this._watch);
      this._watch = null;
    }
    if (this._steady !== null) {
      clearTimeout(this._steady);
      this._steady = null;
    }
  }

  private readonly _wake = (): void => {
    if (this._status.state === 'waiting' && !document.hidden) {
      this.wake();
    }
  };

  private readonly _entries = new Set<IEntry>();
  private readonly _history = new History();
  private readonly _batch = new FrameBatch(() => {
    this._flush();
  });
  private _status: StreamStatus = { state: 'connecting' };
  private _close: (() => void) | null = null;
  private _attempt = 0;
  private _refusals = 0;
  private _retry: ReturnType<typeof setTimeout> | null = null;
  private _linger: ReturnType<typeof setTimeout> | null = null;
  private _steady: ReturnType<typeof setTimeout> | null = null;
  private _watch: ReturnType<typeof setInterval> | null = null;
}
