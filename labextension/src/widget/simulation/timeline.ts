/**
 * A run as steps, each with the state of every node after it.
 *
 * States are shared between steps: a step only has new objects for what it changed, so any step is
 * reached at once, and two of them are compared by identity first.
 */

import { isRecord } from '../../api/guards';
import type { Fate, IFlying, IMessage } from './message';
import { wayAt } from './message';
import { asNode, asNumber, type ILine, type NodeId } from './trace';

export interface INodeState {
  state: 'up' | 'paused' | 'down';
  timers: ReadonlyMap<string, { set: number; due: number }>;
  /** What the node shows; null while it shows nothing. */
  probe: Readonly<Record<string, unknown>> | null;
}

export type Nodes = ReadonlyMap<NodeId, INodeState>;

/** One event and all that it led to at once. */
export interface IStep {
  index: number;
  t: number;
  /** What set it off; the start has none. */
  event: ILine | null;
  /** What was noticed: votes, commits, faults. */
  noticed: readonly ILine[];
  sent: readonly IMessage[];
  nodes: Nodes;
  /** Links that lose everything, as `src>dst`. */
  cuts: ReadonlySet<string>;
}

export interface IViolation {
  why: string;
  title: string;
  words: string;
  source: string;
  nodes: readonly NodeId[];
}

export interface IChange {
  node: NodeId;
  field: string;
  before: unknown;
  after: unknown;
}

const BEGINS = new Set([
  'message',
  'timer',
  'fault',
  'fault ended',
  'healed',
  'missed'
]);
/** How long a message is seen that is lost, or that nobody knows the arrival of. */
const UNKNOWN_FLIGHT_US = 8000;

export class Timeline {
  readonly steps: readonly IStep[];
  readonly messages: readonly IMessage[];
  readonly nodes: readonly NodeId[];
  readonly end: number;
  readonly status: string;
  readonly violation: IViolation | null;

  constructor(lines: readonly ILine[]) {
    const last = lines.findLast(({ kind }) => kind === 'end');
    this.end = last?.t ?? lines.at(-1)?.t ?? 0;
    const outcome = isRecord(last?.rest['outcome']) ? last.rest['outcome'] : {};
    this.status =
      typeof outcome['status'] === 'string' ? outcome['status'] : 'unknown';
    this.violation = readViolation(outcome['violation']);
    const byId = readMessages(lines, this.end);
    this.messages = [...byId.values()].sort((a, b) => a.sent - b.sent);
    this._longest = this.messages.reduce(
      (most, { sent, until }) => Math.max(most, until - sent),
      0
    );
    this.steps = readSteps(lines, byId);
    const speakers = new Set(
      this.messages.flatMap(({ src, dst }) => [src, dst])
    );
    const seen = new Set(this.steps.flatMap(({ nodes }) => [...nodes.keys()]));
    this.nodes = [...seen]
      .filter(node => typeof node === 'number' || speakers.has(node))
      .sort(byName);
  }

  /** The step whose effects are in force at `t`. */
  stepAt(t: number): number {
    return Math.max(
      lastAtMost(this.steps, t, step => step.t),
      0
    );
  }

  step(index: number): IStep {
    const bounded = Math.min(Math.max(index, 0), this.steps.length - 1);
    return this.steps[bounded] ?? EMPTY;
  }

  /** Messages on their way at `t`, oldest first. */
  inFlight(t: number): IFlying[] {
    const flying: IFlying[] = [];
    for (
      let at = lastAtMost(this.messages, t, message => message.sent);
      at >= 0;
      at -= 1
    ) {
      const message = this.messages[at];
      if (!message || message.sent < t - this._longest) {
        break;
      }
      const way = wayAt(message, t);
      if (way !== null) {
        flying.unshift({ message, way });
      }
    }
    return flying;
  }

  /** Messages that are seen in a stretch of time. */
  between(from: number, to: number): IMessage[] {
    const found: IMessage[] = [];
    for (
      let at = lastAtMost(this.messages, to, message => message.sent);
      at >= 0;
      at -= 1
    ) {
      const message = this.messages[at];
      if (!message || message.sent < from - this._longest) {
        break;
      }
      if (message.until >= from) {
        found.unshift(message);
      }
    }
    return found;
  }

  /** What differs in the nodes between two steps. */
  difference(before: number, after: number): IChange[] {
    const one = this.step(before).nodes;
    const other = this.step(after).nodes;
    return this.nodes.flatMap(node => nodeChanges(node, one, other));
  }

  private readonly _longest: number;
}

const EMPTY: IStep = {
  index: 0,
  t: 0,
  event: null,
  noticed: [],
  sent: [],
  nodes: new Map(),
  cuts: new Set()
};

const GONE: INodeState = { state: 'down', timers: new Map(), probe: null };

function nodeChanges(node: NodeId, one: Nodes, other: Nodes): IChange[] {
  const before = one.get(node) ?? GONE;
  const after = other.get(node) ?? GONE;
  if (before === after) {
    return [];
  }
  const changes: IChange[] = [];
  if (before.state !== after.state) {
    changes.push({
      node,
      field: 'state',
      before: before.state,
      after: after.state
    });
  }
  const [was, is] = [before.probe ?? {}, after.probe ?? {}];
  for (const field of new Set([...Object.keys(was), ...Object.keys(is)])) {
    if (
      was[field] !== is[field] &&
      JSON.stringify(was[field]) !== JSON.stringify(is[field])
    ) {
      changes.push({ node, field, before: was[field], after: is[field] });
    }
  }
  return changes;
}

function readSteps(
  lines: readonly ILine[],
  byId: ReadonlyMap<number, IMessage>
): IStep[] {
  const steps: IStep[] = [];
  let nodes: Nodes = new Map();
  let cuts: ReadonlySet<string> = new Set();
  let event: ILine | null = null;
  let noticed: ILine[] = [];
  let sent: IMessage[] = [];
  let t = 0;
  const close = (): void => {
    steps.push({ index: steps.length, t, event, noticed, sent, nodes, cuts });
    noticed = [];
    sent = [];
  };
  for (const line of lines) {
    if (line.kind === 'header' || line.kind === 'keyframe') {
      continue;
    }
    if (line.kind !== 'cuts' && (BEGINS.has(line.kind) || line.t > t)) {
      close();
      event = BEGINS.has(line.kind) ? line : null;
      t = line.t;
    }
    if (line.kind === 'state') {
      nodes = applied(nodes, line);
    } else if (line.kind === 'cuts') {
      cuts = readCuts(line.rest['links']);
      const before = steps.at(-1);
      if (line.t < t && before && before.t === line.t) {
        steps[steps.length - 1] = { ...before, cuts };
      }
    } else if (line.kind === 'send') {
      const message = byId.get(asNumber(line.rest['id']));
      if (message) {
        sent.push(message);
      }
    } else if (line.kind !== 'message' && line.kind !== 'timer') {
      noticed.push(line);
    }
  }
  close();
  return steps;
}

/** The nodes after one `state` line. */
function applied(nodes: Nodes, line: ILine): Nodes {
  if (line.node === null) {
    return nodes;
  }
  const before = nodes.get(line.node) ?? GONE;
  const { state, timers, probe } = line.rest;
  const next = new Map(nodes);
  next.set(line.node, {
    state:
      state === 'up' || state === 'paused' || state === 'down'
        ? state
        : before.state,
    timers: isRecord(timers)
      ? readTimers(before.timers, timers, line.t)
      : before.timers,
    probe: readProbe(before.probe, probe)
  });
  return next;
}

function readTimers(
  before: INodeState['timers'],
  timers: Record<string, unknown>,
  t: number
): INodeState['timers'] {
  return new Map(
    Object.entries(timers).map(([name, value]) => {
      const due = asNumber(value);
      const known = before.get(name);
      return [name, known?.due === due ? known : { set: t, due }];
    })
  );
}

function readProbe(
  before: INodeState['probe'],
  probe: unknown
): INodeState['probe'] {
  if (probe === null) {
    return null;
  }
  if (!isRecord(probe)) {
    return before;
  }
  const next: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(probe)) {
    const known = next[name];
    next[name] =
      Array.isArray(known) && isRecord(value) && Array.isArray(value['add'])
        ? [
            ...(known as unknown[]).slice(0, asNumber(value['keep'])),
            ...(value['add'] as unknown[])
          ]
        : value;
  }
  return next;
}

function readCuts(links: unknown): ReadonlySet<string> {
  return new Set(
    Array.isArray(links)
      ? links.map(link =>
          Array.isArray(link) ? `${String(link[0])}>${String(link[1])}` : ''
        )
      : []
  );
}

/** Every message with its end: `send` lines meet `message` and `missed` lines. */
function readMessages(
  lines: readonly ILine[],
  end: number
): Map<number, IMessage> {
  const byId = new Map<number, IMessage>();
  for (const line of lines) {
    const id = asNumber(line.rest[line.kind === 'missed' ? 'event' : 'id']);
    if (line.kind === 'send') {
      const dst = asNode(line.rest['dst']);
      if (line.node !== null && dst !== null) {
        const lost = line.rest['arrivals'] === 0;
        byId.set(id, {
          id,
          src: line.node,
          dst,
          number: asNumber(line.rest['number']),
          content: line.rest['message'],
          sent: line.t,
          until: lost ? line.t + UNKNOWN_FLIGHT_US : end + UNKNOWN_FLIGHT_US,
          fate: lost ? 'lost' : 'open'
        });
      }
    } else if (line.kind === 'message' || line.kind === 'missed') {
      settle(byId, id, line);
    } else if (line.kind === 'crashed') {
      dieWith(byId, line);
    }
  }
  return byId;
}

function settle(byId: Map<number, IMessage>, id: number, line: ILine): void {
  const fate: Fate = line.kind === 'missed' ? 'missed' : 'arrived';
  const message = byId.get(id);
  if (message) {
    byId.set(id, { ...message, until: line.t, fate });
    return;
  }
  // It waited at a paused node, which gave it a new number; or it is the second copy of a doubled
  // message, which left with the first.
  const src = asNode(line.rest['src']);
  const same = [...byId.values()].filter(
    each =>
      each.src === src &&
      each.dst === line.node &&
      JSON.stringify(each.content) === JSON.stringify(line.rest['message'])
  );
  const waited = same.find(each => each.fate === 'open');
  const first = waited ?? same.at(-1);
  if (first) {
    const key = waited ? waited.id : id;
    byId.set(key, { ...first, id: key, until: line.t, fate });
  }
}

/** Messages of a node that crashes are lost with it, if none of them arrives. */
function dieWith(byId: Map<number, IMessage>, line: ILine): void {
  for (const message of byId.values()) {
    if (message.fate === 'open' && message.src === line.node) {
      byId.set(message.id, {
        ...message,
        until: Math.max(line.t, message.sent + 1),
        fate: 'lost'
      });
    }
  }
}

function readViolation(value: unknown): IViolation | null {
  if (!isRecord(value)) {
    return null;
  }
  const rule = isRecord(value['rule']) ? value['rule'] : {};
  const text = (each: unknown): string =>
    typeof each === 'string' ? each : '';
  return {
    why: text(value['why']),
    title: text(rule['title']),
    words: text(rule['words']),
    source: text(rule['source']),
    nodes: Array.isArray(value['nodes'])
      ? value['nodes'].map(asNode).filter(node => node !== null)
      : []
  };
}

/** Index of the last element whose key is at most `limit`; -1 if none is. */
function lastAtMost<Each>(
  sorted: readonly Each[],
  limit: number,
  key: (each: Each) => number
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const each = sorted[middle];
    if (each !== undefined && key(each) <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

function byName(one: NodeId, other: NodeId): number {
  if (typeof one === 'number' && typeof other === 'number') {
    return one - other;
  }
  if (typeof one === 'number' || typeof other === 'number') {
    return typeof one === 'number' ? -1 : 1;
  }
  return one.localeCompare(other);
}
