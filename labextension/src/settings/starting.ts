/** How an environment is started, by what the user set. */

import type { IStartOptions } from '../api/client';
import type { Runtime } from '../api/types';
import type { ISysdesignSettings } from '../tokens';

/** What a start asks for; where nothing can be set, the server chooses. */
export function startOptions(
  settings: ISysdesignSettings | null
): IStartOptions {
  return settings
    ? {
        runtime: settings.runtime,
        sample_interval_s: settings.sampleInterval
      }
    : {};
}

/** The runtime of that name; undefined where it is none. */
export function asRuntime(name: unknown): Runtime | undefined {
  return name === 'embedded' || name === 'docker' ? name : undefined;
}
