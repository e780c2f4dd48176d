/** Branches of a run: what Python has played, and what it is asked to play. */

import { isRecord, isString } from '../../api/guards';
import { Timeline } from './timeline';
import { asNumber, parseTrace, type NodeId } from './trace';

/** One run beside the others. */
export interface IBranch {
  id: number;
  name: string;
  /** The one it comes from; the first has none. */
  parent: number | null;
  /** Where it leaves it, µs. */
  at: number;
  trace: string;
  timeline: Timeline;
}

/** A change to the schedule of a run, from a moment on; the form is that of `Fault` and `lost`. */
export interface IBranchRequest {
  of: number;
  name: string;
  at_us: number;
  lose?: readonly [NodeId, NodeId, number];
  faults?: readonly {
    kind: string;
    target: number;
    lasts_us: number | null;
    arguments?: Readonly<Record<string, unknown>>;
  }[];
}

/** The branches of a snapshot; those in `known` with the same trace are not read again. */
export function readBranches(
  value: unknown,
  known: readonly IBranch[]
): IBranch[] {
  if (!Array.isArray(value)) {
    return [];
  }
  return value.filter(isRecord).flatMap(each => {
    const { name, trace } = each;
    if (!isString(name) || !isString(trace)) {
      return [];
    }
    const id = asNumber(each['id']);
    const same = known.find(old => old.id === id && old.trace === trace);
    if (same) {
      return [same];
    }
    const parent = each['parent'];
    return [
      {
        id,
        name,
        trace,
        parent: typeof parent === 'number' ? parent : null,
        at: asNumber(each['at_us']),
        timeline: new Timeline(parseTrace(trace))
      }
    ];
  });
}
