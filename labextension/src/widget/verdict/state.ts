/** What the view of a verdict knows, and how events change it. */

import type { StreamEvent } from '../../api/events';
import { asNumber, isRecord, isString } from '../../api/guards';
import type { CheckResult, Verdict } from '../../api/types';

/** A check that has not been decided yet. */
export interface IExpected {
  id: string;
  title: string;
}

export interface IVerdictState {
  /** In the order they came. */
  results: readonly CheckResult[];
  verdict: Verdict | null;
  /** Whether the check under way waits until another one has measured. */
  waits: boolean;
}

/** Return the state after `events`; results from before `since` belong to an earlier check. */
export function advance(
  state: IVerdictState,
  events: readonly StreamEvent[],
  since: number
): IVerdictState {
  let { results, verdict, waits } = state;
  for (const event of events) {
    if (event.ts < since) {
      continue;
    }
    if (event.type === 'check.waits') {
      waits = true;
    } else if (event.type === 'check.result') {
      waits = false;
      const { data } = event;
      results = [...results.filter(({ id }) => id !== data.id), data];
    } else if (event.type === 'verdict') {
      waits = false;
      verdict = event.data;
      results = event.data.checks;
    }
  }
  return { results, verdict, waits };
}

/** Of two states of the same check, the one that knows more. */
export function newer(mine: IVerdictState, kept: IVerdictState): IVerdictState {
  if (kept.verdict) {
    return kept;
  }
  return !mine.verdict && kept.results.length > mine.results.length
    ? kept
    : mine;
}

/** What is still to come: expected and without a result. */
export function outstanding(
  expected: readonly IExpected[],
  state: IVerdictState
): readonly IExpected[] {
  return state.verdict
    ? []
    : expected.filter(({ id }) => !state.results.some(each => each.id === id));
}

/** Read `props.checks`. */
export function readExpected(value: unknown): readonly IExpected[] {
  return Array.isArray(value)
    ? value.filter(
        (each: unknown): each is IExpected =>
          isRecord(each) && isString(each['id']) && isString(each['title'])
      )
    : [];
}

/** Read `props.since`. */
export function readSince(value: unknown): number {
  return asNumber(value) ?? 0;
}

/** The state in a snapshot; written by Python of the same package from the same models. */
export function stored(results: unknown, verdict: unknown): IVerdictState {
  const whole =
    isRecord(verdict) && Array.isArray(verdict['checks'])
      ? (verdict as Verdict)
      : null;
  return {
    verdict: whole,
    results:
      whole?.checks ??
      (Array.isArray(results) ? (results as CheckResult[]) : []),
    waits: false
  };
}
