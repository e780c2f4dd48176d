/** What became of the file that was saved last: which services restarted, and whether they came up. */

import type { ServiceStatus } from '../api/types';

/** A service that restarts later than this after a save has another reason, s. */
const REACTS_S = 3;

export interface ISave {
  path: string;
  /** s since the epoch. */
  at: number;
  services: readonly IReaction[];
}

export interface IReaction {
  service: string;
  state: 'restarting' | 'ready' | 'failed';
  /** From the save to the end of the restart, s; null where nobody saw when that was. */
  took: number | null;
  /** Why it failed; begins with `file:line` for a syntax error. */
  reason: string;
}

/** Where a file is wrong. */
export interface ISpot {
  path: string;
  line: number;
}

export class Saves {
  last: ISave | null = null;

  saved(path: string, at: number): void {
    this.last = { path, at, services: [] };
  }

  /** A service changed its state at `at`. */
  moved(service: ServiceStatus, at: number): void {
    const { last } = this;
    if (!last) {
      return;
    }
    const known = last.services.find(each => each.service === service.name);
    const over = !known || known.state === 'ready';
    if (over && at - last.at > REACTS_S) {
      return;
    }
    if (!known && service.state === 'ready') {
      return; // it did not restart
    }
    this._react(last, service, Math.max(0, at - last.at));
  }

  /** The environment as a whole is known anew: what is over must not look as if it went on. */
  follow(services: readonly ServiceStatus[]): void {
    for (const service of services) {
      const { last } = this;
      const known = last?.services.find(each => each.service === service.name);
      if (
        last &&
        known &&
        known.state !== 'ready' &&
        known.state !== service.state
      ) {
        this._react(last, service, null);
      }
    }
  }

  private _react(
    last: ISave,
    { name, state: now, reason }: ServiceStatus,
    took: number | null
  ): void {
    const others = last.services.filter(({ service }) => service !== name);
    if (now === 'stopped' || now === 'paused') {
      this.last = { ...last, services: others }; // by somebody's hand
      return;
    }
    const state = now === 'ready' || now === 'failed' ? now : 'restarting';
    const reaction: IReaction = {
      service: name,
      state,
      took: state === 'restarting' ? null : took,
      reason: state === 'failed' ? reason : ''
    };
    this.last = { ...last, services: [...others, reaction] };
  }
}

/** Find `app/server.py:12` at the beginning of a reason. */
export function spotOf(reason: string): ISpot | null {
  const found = /^([^\s:]+\.\w+):(\d+)\b/.exec(reason);
  return found?.[1] ? { path: found[1], line: Number(found[2]) } : null;
}
