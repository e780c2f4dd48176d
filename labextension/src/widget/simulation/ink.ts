/** Colours of the simulation's pictures, read from the stylesheet, so that they follow the theme. */

import { isRecord } from '../../api/guards';
import { typeOf, isHeartbeat } from './message';
import { asNumber } from './trace';

export interface IInk {
  font: string;
  ground: string;
  raised: string;
  text: string;
  quiet: string;
  line: string;
  grid: string;
  accent: string;
  bad: string;
  warn: string;
  ok: string;
  series: readonly string[];
}

export function readInk(element: Element): IInk {
  const style = getComputedStyle(element);
  const read = (name: string): string =>
    style.getPropertyValue(`--sd-${name}`).trim() || '#888';
  return {
    font: style.fontFamily || 'sans-serif',
    ground: read('bg'),
    raised: read('bg-2'),
    text: read('fg'),
    quiet: read('fg-2'),
    line: read('line-strong'),
    grid: read('chart-grid'),
    accent: read('accent'),
    bad: read('bad'),
    warn: read('warn'),
    ok: read('ok'),
    series: [1, 2, 3, 4, 5, 6].map(tone => read(`chart-${tone}`))
  };
}

/** Families of messages: a question and its answer have one colour. */
const FAMILIES: Readonly<Record<string, number>> = {
  AppendEntries: 0,
  Appended: 0,
  Request: 1,
  Reply: 1,
  InstallSnapshot: 2,
  RequestVote: 3,
  Vote: 3
};

export function messageColour(ink: IInk, content: unknown): string {
  if (isHeartbeat(content)) {
    return ink.quiet;
  }
  const type = typeOf(content);
  let family = FAMILIES[type];
  if (family === undefined) {
    family = 0;
    for (const letter of type) {
      family = (family * 31 + letter.charCodeAt(0)) % 6;
    }
  }
  return ink.series[family] ?? ink.text;
}

/** What tells old from new in a protocol: Raft's term, the round of a ballot, PBFT's view. */
export function epochOf(
  probe: Readonly<Record<string, unknown>> | null | undefined
): number | null {
  const promised = probe?.['promised'];
  const found = isRecord(promised)
    ? promised['round']
    : (probe?.['term'] ?? probe?.['view']);
  return found === undefined ? null : asNumber(found);
}

/** Neighbouring terms never look alike. */
export function termTone(term: number): number {
  return (term + 5) % 6;
}

export function termColour(ink: IInk, term: number): string {
  return term === 0 ? ink.quiet : (ink.series[termTone(term)] ?? ink.text);
}
