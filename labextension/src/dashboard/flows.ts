/** What flows over a link, as far as the metrics of its ends tell. */

import type { EnvironmentStatus, ServiceState } from '../api/types';
import { CLIENTS } from './clients';

/** Who stands before the first service. */
export const CLIENTS_NODE = 'clients';

export interface IFlow {
  per_s: number | null;
  ms: number | null;
  /** The figures are of everybody who asks the target, not of this link alone. */
  shared: boolean;
  /** The end that does not run, so that nothing flows whatever was measured last; else empty. */
  cut: string;
}

const RUNS: ReadonlySet<ServiceState> = new Set(['ready', 'paused']);

/** The services clients ask: those published, else those nobody else asks. */
export function entries(status: EnvironmentStatus): readonly string[] {
  const published = status.services.filter(({ url }) => url);
  if (published.length > 0) {
    return published.map(({ name }) => name);
  }
  const asked = new Set(status.links.map(({ target }) => target));
  const first = status.services.find(({ name }) => !asked.has(name));
  return first ? [first.name] : [];
}

/**
 * Return what flows from `source` to `target`.
 *
 * @param latest the newest value of a metric, null where there is none.
 */
export function flow(
  status: EnvironmentStatus,
  source: string,
  target: string,
  latest: (metric: string) => number | null
): IFlow {
  const cut = [source, target].find(end =>
    status.services.some(({ name, state }) => name === end && !RUNS.has(state))
  );
  if (cut !== undefined) {
    return { per_s: null, ms: null, shared: false, cut };
  }
  const first = (...names: string[]): number | null => {
    for (const name of names) {
      const value = latest(name);
      if (value !== null) {
        return value;
      }
    }
    return null;
  };
  const ms = first(
    `${target}.latency_p95_ms`,
    `${target}.slowest_statement_ms`
  );
  if (source === CLIENTS_NODE) {
    return {
      per_s: first(CLIENTS.rps, `${target}.requests_per_s`),
      ms: first(CLIENTS.p95, `${target}.latency_p95_ms`),
      shared: false,
      cut: ''
    };
  }
  const own = latest(`${source}.server.${target}.requests_per_s`);
  if (own !== null) {
    return { per_s: own, ms, shared: false, cut: '' };
  }
  const askers = status.links.filter(link => link.target === target).length;
  return {
    per_s: first(
      `${target}.requests_per_s`,
      `${target}.statements_per_s`,
      `${target}.transactions_per_s`,
      `${target}.ops_per_s`
    ),
    ms,
    shared: askers > 1,
    cut: ''
  };
}
