/**
 * One view's life with an environment: first what is there now, then every event after it.
 *
 * It waits while there is no environment, says what is wrong, and costs nothing while paused.
 */

import { Api } from '../api/client';
import type { StreamEvent } from '../api/events';
import { asProblem, type ApiError } from '../api/problem';
import type { EnvironmentStatus } from '../api/types';
import { backoffMs } from './backoff';
import type { IConnection } from './choose';
import type { EventHub, StreamStatus } from './hub';
import type { ITransport } from './transport';

export type Link =
  /** Nothing known yet. */
  | { state: 'connecting' }
  | { state: 'live' }
  /** No answer; the next attempt comes by itself. */
  | { state: 'waiting' }
  /** There is no such environment (yet). */
  | { state: 'missing' }
  /** It will not work by itself. */
  | { state: 'failed'; problem: ApiError };

export interface ISessionView {
  /** The environment as it is now; what came before does not matter any more. */
  onEnvironment(status: EnvironmentStatus): void;
  /**
   * Fetch whatever else the view shows. Events of the meantime follow, maybe once more. Where it is
   * asked for anew or paused before all has come, `api` throws, so that nothing older is shown.
   */
  load?(api: Api): Promise<void>;
  onEvents(events: readonly StreamEvent[]): void;
  onLink(link: Link): void;
}

const MISSING_MS = 3000;
const RELOAD_MS = 2000;

export class Session {
  constructor(
    private readonly _connection: IConnection,
    private readonly _environment: string,
    private readonly _view: ISessionView
  ) {
    this._api = new Api(_connection.transport);
  }

  /** Begin, or go on after `pause` where it was left. */
  resume(): void {
    if (this._running) {
      return;
    }
    this._running = true;
    if (!this._stale) {
      this._subscribe(this._after);
      return;
    }
    if (this._connection.transport.name === 'comm') {
      // A kernel that is busy with a cell answers nothing, but that cell may tell us events.
      this._subscribe(this._after);
    }
    void this._load();
  }

  /** Stop listening; cheap to resume. */
  pause(): void {
    this._running = false;
    this._generation += 1;
    this._clearTimer();
    this._leave?.();
    this._leave = null;
  }

  private _unsubscribe(): void {
    this._forget();
    this._leave?.();
    this._leave = null;
  }

  private _forget(): void {
    this._stale = true;
    this._after = 0;
  }

  private get _hub(): EventHub {
    return this._connection.hub(this._environment);
  }

  /** Fetch everything anew, now. */
  reload(): void {
    this.pause();
    this._forget();
    this._missing = false;
    this.resume();
  }

  private async _load(): Promise<void> {
    this._generation += 1;
    const generation = this._generation;
    const current = (): boolean => generation === this._generation;
    this._loadedAt = Date.now();
    let found = false;
    try {
      if (this._missing && !(await this._exists())) {
        if (current()) {
          if (this._attempt > 0) {
            this._attempt = 0; // nobody answered in between
            this._view.onLink({ state: 'missing' });
          }
          this._retry(MISSING_MS);
        }
        return;
      }
      this._missing = false;
      const status = await this._api.environment(this._environment);
      found = true;
      if (!current()) {
        return;
      }
      this._view.onEnvironment(status);
      await this._view.load?.(
        new Api(whileWanted(this._connection.transport, current))
      );
      if (!current()) {
        return;
      }
      this._attempt = 0;
      this._stale = this._timer !== null; // a gap of the meantime wants another
      // Also where it listens already: what came while it was fetched comes once more, after it.
      this._subscribe(status.last_seq);
      this._hub.wake();
    } catch (error) {
      if (current()) {
        this._failed(asProblem(error), found);
      }
    }
  }

  /** Asked for again and again, so not with a request that fails: servers log those. */
  private async _exists(): Promise<boolean> {
    const all = await this._api.environments();
    return all.some(({ id }) => id === this._environment);
  }

  private _subscribe(after: number): void {
    this._leave?.();
    this._after = after;
    this._leave = this._hub.subscribe({
      after,
      onEvents: events => {
        this._after = events.at(-1)?.seq ?? this._after;
        this._view.onEvents(events);
        if (events.some(event => event.type === 'gap')) {
          this._stale = true;
          this._reloadSoon();
        }
      },
      onStatus: status => {
        this._follow(status);
      }
    });
  }

  private _follow(status: StreamStatus): void {
    if (status.state !== 'ended') {
      this._view.onLink({ state: status.state });
    } else if (status.problem.code === 'not_found') {
      this._unsubscribe();
      this._retry(0);
    } else {
      this._view.onLink({ state: 'failed', problem: status.problem });
    }
  }

  private _failed(problem: ApiError, found: boolean): void {
    if (problem.code === 'not_found' && !found) {
      this._missing = true;
      this._view.onLink({ state: 'missing' });
      this._retry(MISSING_MS);
    } else if (problem.transient) {
      this._attempt += 1;
      if (!this._leave || this._hub.status.state !== 'live') {
        this._view.onLink({ state: 'waiting' });
      }
      this._retry(backoffMs(this._attempt));
    } else {
      this._view.onLink({ state: 'failed', problem });
    }
  }

  /** A hole in the history: what events would have told has to be fetched. */
  private _reloadSoon(): void {
    const wait = this._loadedAt + RELOAD_MS - Date.now();
    if (this._timer === null) {
      this._retry(Math.max(0, wait));
    }
  }

  private _retry(ms: number): void {
    this._clearTimer();
    this._timer = setTimeout(() => {
      this._timer = null;
      if (this._running) {
        void this._load();
      }
    }, ms);
  }

  private _clearTimer(): void {
    if (this._timer !== null) {
      clearTimeout(this._timer);
      this._timer = null;
    }
  }

  private readonly _api: Api;
  private _missing = false;
  private _running = false;
  private _generation = 0;
  private _attempt = 0;
  private _loadedAt = 0;
  /** What is shown has to be fetched: nothing was yet, or something was missed. */
  private _stale = true;
  private _after = 0;
  private _leave: (() => void) | null = null;
  private _timer: ReturnType<typeof setTimeout> | null = null;
}

/** `transport`, with answers only for as long as they are `wanted`. */
function whileWanted(transport: ITransport, wanted: () => boolean): ITransport {
  return {
    name: transport.name,
    open: (...asked) => transport.open(...asked),
    request: async (...asked) => {
      const answer = transport.request(...asked);
      await Promise.allSettled([answer]);
      if (!wanted()) {
        throw new Error('not wanted any more'); // which is no answer: nobody takes it for one
      }
      return answer;
    }
  };
}
