/** Hears at once what the state of one environment is, as long as there is one. */

import type { IDisposable } from '@lumino/disposable';
import type { EnvironmentStatus } from '../api/types';
import type { EventHub } from '../connection/hub';
import type { IEnvironments } from '../tokens';

export class Follower implements IDisposable {
  constructor(
    private readonly _environment: string,
    private readonly _list: IEnvironments,
    private readonly _hub: (environment: string) => EventHub,
    private readonly _onStatus: (status: EnvironmentStatus) => void
  ) {
    _list.changed.connect(this._look, this);
    this._look();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    this._disposed = true;
    this._list.changed.disconnect(this._look, this);
    this._end();
  }

  private _look(): void {
    const known = this._list.of(this._environment);
    if (known && !this._leave) {
      let live = false;
      this._leave = this._hub(this._environment).subscribe({
        after: known.last_seq,
        onEvents: events => {
          for (const event of events) {
            if (event.type === 'environment.state') {
              this._onStatus(event.data);
            } else if (event.type === 'gap') {
              void this._list.refresh();
            }
          }
        },
        onStatus: ({ state }) => {
          // How the connection is, the list finds out itself. What came to an end has to be looked
          // for: what has its name now is joined as soon as the list knows it.
          live ||= state === 'live';
          if (state === 'ended') {
            this._end();
            if (live) {
              void this._list.refresh();
            }
          }
        }
      });
    } else if (!known) {
      this._end();
    }
  }

  private _end(): void {
    this._leave?.();
    this._leave = null;
  }

  private _disposed = false;
  private _leave: (() => void) | null = null;
}
