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
    this._leave?.();
    this._leave = null;
  }

  private _look(): void {
    const known = this._list.of(this._environment);
    if (known && !this._leave) {
      this._leave = this._hub(this._environment).subscribe({
        after: known.last_seq,
        onEvents: events => {
          for (const event of events) {
            if (event.type === 'environment.state') {
              this._onStatus(event.data);
            }
          }
        },
        onStatus: () => undefined // how the connection is, the list finds out itself
      });
    } else if (!known && this._leave) {
      this._leave();
      this._leave = null;
    }
  }

  private _disposed = false;
  private _leave: (() => void) | null = null;
}
