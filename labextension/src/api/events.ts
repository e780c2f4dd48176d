/** The ordered stream of one environment. */

import { asNumber, isRecord, isString } from './guards';
import type {
  ActiveFault,
  CheckResult,
  EnvironmentStatus,
  ILogLine,
  Run,
  RunTick,
  ServiceStatus,
  Verdict
} from './types';

interface IEvent<Type extends string, Data> {
  seq: number;
  /** Seconds since the epoch. */
  ts: number;
  type: Type;
  data: Data;
}

export type StreamEvent =
  | IEvent<'environment.state', EnvironmentStatus>
  | IEvent<'service.state', ServiceStatus>
  | IEvent<'metric.sample', { values: Record<string, number | null> }>
  | IEvent<'run.tick', RunTick>
  | IEvent<'run.done', Run>
  | IEvent<'file.saved', { path: string }>
  | IEvent<'fault.started', ActiveFault>
  | IEvent<'fault.ended', ActiveFault>
  | IEvent<'log.line', Omit<ILogLine, 'ts'> & { ts?: number }>
  | IEvent<'check.waits', { check: string }>
  | IEvent<'check.result', CheckResult>
  | IEvent<'verdict', Verdict>
  | IEvent<'gap', { missed_from: number; missed_to: number }>;

/** Types whose loss a `gap` reports but a later event makes up for. */
export const DROPPABLE: ReadonlySet<StreamEvent['type']> = new Set([
  'metric.sample',
  'run.tick',
  'log.line'
]);

/**
 * Whether `value` is an entry of the stream.
 *
 * The control plane of the same package wrote `data`, so that its form is not checked again here.
 */
export function isStreamEvent(value: unknown): value is StreamEvent {
  return (
    isRecord(value) &&
    asNumber(value['seq']) !== null &&
    asNumber(value['ts']) !== null &&
    isString(value['type']) &&
    isRecord(value['data'])
  );
}

/** A hole in the sequence, said by this side: history did not reach back far enough. */
export function gap(from: number, to: number): StreamEvent {
  return {
    seq: to,
    ts: Date.now() / 1000,
    type: 'gap',
    data: { missed_from: from, missed_to: to }
  };
}
