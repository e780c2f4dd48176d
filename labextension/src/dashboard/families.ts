/** Which metrics of a service belong into one chart, and what that is called. */

import type { Tone } from '../charts/theme';
import { t } from '../i18n';

export type Unit =
  'rate' | 'ms' | 'share' | 'cores' | 'bytes' | 'count' | 'number';

type Member = readonly [
  metric: string,
  label: string,
  tone: Tone,
  dash?: readonly number[]
];

export interface IFamily {
  id: string;
  title: string;
  unit: Unit;
  members: readonly Member[];
  /** Shown also where the lesson does not name it. */
  common?: boolean;
  top?: number;
}

export const DASH: readonly number[] = [6, 4];
export const DOTS: readonly number[] = [2, 3];
const LONG: readonly number[] = [10, 3, 2, 3];

/** What belongs together about one service. */
export function families(): readonly IFamily[] {
  return [
    {
      id: 'latency',
      title: t('Latency'),
      unit: 'ms',
      top: 10,
      members: [
        ['latency_p50_ms', t('p50'), 3],
        ['latency_p95_ms', t('p95'), 2, DASH],
        ['latency_p99_ms', t('p99'), 4, DOTS]
      ]
    },
    {
      id: 'throughput',
      title: t('Requests'),
      unit: 'rate',
      top: 10,
      members: [
        ['requests_per_s', t('requests'), 1],
        ['errors_per_s', t('errors'), 'bad', DASH],
        ['retries_per_s', t('retries'), 5, DOTS]
      ]
    },
    {
      id: 'connections',
      title: t('Connections'),
      unit: 'count',
      common: true,
      top: 5,
      members: [
        ['connections_active', t('working'), 1],
        ['connections_idle', t('idle'), 3, DASH],
        ['connections_idle_in_transaction', t('idle in transaction'), 2, DOTS],
        ['connections_waiting', t('waiting for a lock'), 'bad', LONG],
        ['connections_total', t('in all'), 4],
        ['connections_max', t('allowed'), 'muted', DASH]
      ]
    },
    {
      id: 'hits',
      title: t('Cache hits'),
      unit: 'share',
      common: true,
      top: 1,
      members: [
        ['hit_ratio', t('found in the cache'), 3],
        ['cache_hit_ratio', t('found in memory'), 3]
      ]
    },
    {
      id: 'queue',
      title: t('Queue'),
      unit: 'count',
      common: true,
      top: 5,
      members: [
        ['queued', t('waiting'), 2],
        ['sessions', t('open'), 1, DASH]
      ]
    },
    {
      id: 'scans',
      title: t('Scans'),
      unit: 'rate',
      members: [
        ['seq_scans_per_s', t('whole tables'), 2],
        ['index_scans_per_s', t('indexes'), 3, DASH]
      ]
    },
    {
      id: 'blocks',
      title: t('Blocks'),
      unit: 'rate',
      members: [
        ['blocks_per_s', t('touched'), 1],
        ['blocks_read_per_s', t('not in memory'), 2, DASH]
      ]
    },
    {
      id: 'transactions',
      title: t('Transactions'),
      unit: 'rate',
      members: [
        ['transactions_per_s', t('all'), 1],
        ['rollbacks_per_s', t('rolled back'), 2, DASH],
        ['deadlocks_per_s', t('deadlocks'), 'bad', DOTS]
      ]
    },
    {
      id: 'written',
      title: t('Rows written'),
      unit: 'rate',
      members: [['rows_written_per_s', t('rows'), 1]]
    },
    {
      id: 'statement',
      title: t('Slowest statement'),
      unit: 'ms',
      members: [['slowest_statement_ms', t('mean time'), 2]]
    },
    {
      id: 'replication',
      title: t('Replication lag'),
      unit: 'bytes',
      common: true,
      members: [['replication_lag_bytes', t('not replayed yet'), 2]]
    },
    {
      id: 'replication-time',
      title: t('Replication lag in seconds'),
      unit: 'number',
      common: true,
      members: [['replication_lag_s', t('behind'), 2]]
    },
    {
      id: 'operations',
      title: t('Cache operations'),
      unit: 'rate',
      members: [
        ['ops_per_s', t('operations'), 1],
        ['evictions_per_s', t('evicted'), 2, DASH],
        ['expirations_per_s', t('expired'), 5, DOTS]
      ]
    },
    {
      id: 'cache-memory',
      title: t('Cache memory'),
      unit: 'bytes',
      members: [
        ['memory_used_bytes', t('used'), 1],
        ['memory_limit_bytes', t('allowed'), 'muted', DASH]
      ]
    }
  ];
}
