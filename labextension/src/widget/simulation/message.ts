/** Messages: what they say, and where they are at a moment. */

import { isRecord } from '../../api/guards';
import type { NodeId } from './trace';

/** `open`: still on its way when the run ended; `missed`: it came, but nobody was there. */
export type Fate = 'arrived' | 'lost' | 'missed' | 'open';

export interface IMessage {
  id: number;
  src: NodeId;
  dst: NodeId;
  /** It is the n-th on its link. */
  number: number;
  content: unknown;
  sent: number;
  /** When it arrives; for a lost one, when it is gone. */
  until: number;
  fate: Fate;
}

/** A message that is on its way at a moment. */
export interface IFlying {
  message: IMessage;
  /** 0 where it was sent, 1 where it arrives; a lost one ends half-way. */
  way: number;
}

/** What is under a seal; a seal is how a message was sent, not what it says. */
function unsealed(content: unknown): unknown {
  return isRecord(content) && content['type'] === 'Sealed'
    ? content['body']
    : content;
}

/** The name of its type; messages of a learner's own making may have none. */
export function typeOf(sent: unknown): string {
  const content = unsealed(sent);
  if (isRecord(content)) {
    const type = content['type'] ?? content['kind'];
    return typeof type === 'string' ? type : 'message';
  }
  if (Array.isArray(content) && typeof content[0] === 'string') {
    return content[0];
  }
  return typeof content === 'string' ? content : 'message';
}

/** Whether it is a leader's sign of life: entries that are none. */
export function isHeartbeat(content: unknown): boolean {
  return (
    isRecord(content) &&
    Array.isArray(content['entries']) &&
    content['entries'].length === 0
  );
}

const ANSWERS = new Set([
  'Vote',
  'Appended',
  'Ready',
  'State',
  'Fetched',
  'Stored',
  'HandedOff',
  'Forwarded',
  'Transferred'
]);

/** What a node sends without being asked; the others are answers, drawn hollow. */
export function isAnswer(content: unknown): boolean {
  const type = typeOf(content);
  return ANSWERS.has(type) || /(Reply|Response|Answer|Ack)$/.test(type);
}

/** Its fields in a line: `term 2, last_index 4`. */
export function fieldsOf(sent: unknown): string {
  const content = unsealed(sent);
  if (isRecord(content)) {
    return Object.entries(content)
      .filter(([name]) => name !== 'type')
      .map(([name, value]) => `${name} ${brief(value)}`)
      .join(', ');
  }
  return Array.isArray(content) ? content.map(brief).join(', ') : '';
}

/** A value in few characters. */
export function brief(value: unknown): string {
  if (value === null || value === undefined) {
    return 'none';
  }
  if (Array.isArray(value)) {
    return String(value.length);
  }
  const text = isRecord(value)
    ? Object.entries(value)
        .filter(([name]) => name !== 'type')
        .map(([, each]) => brief(each))
        .join(' ')
    : plain(value);
  return text.length <= 40 ? text : `${text.slice(0, 39)}…`;
}

/** What JSON has beside lists and records, as a text. */
function plain(value: unknown): string {
  return typeof value === 'string' && value ? value : JSON.stringify(value);
}

/** Where it is at `t`; null when it is not on its way. */
export function wayAt(message: IMessage, t: number): number | null {
  const { sent, until, fate } = message;
  if (t < sent || t >= until) {
    return null;
  }
  const share = until > sent ? (t - sent) / (until - sent) : 0;
  return fate === 'lost' ? share / 2 : share;
}
