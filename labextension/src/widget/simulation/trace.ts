/** A trace as the simulator writes it (`simulation/trace.py`, `unfolding.py`): one line per thing. */

import { isRecord } from '../../api/guards';

/** Servers are numbers, clients have names. */
export type NodeId = number | string;

/** One line: when, what kind of thing, where, and the rest as it was written. */
export interface ILine {
  t: number;
  kind: string;
  node: NodeId | null;
  rest: Readonly<Record<string, unknown>>;
}

/** All lines of a file; those that make no sense are left out. */
export function parseTrace(text: string): ILine[] {
  const lines: ILine[] = [];
  for (const row of text.split('\n')) {
    const line = row === '' ? null : parseLine(row);
    if (line) {
      lines.push(line);
    }
  }
  return lines;
}

function parseLine(row: string): ILine | null {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch {
    return null;
  }
  if (!isRecord(value) || typeof value['kind'] !== 'string') {
    return null;
  }
  return {
    t: asNumber(value['t']),
    kind: value['kind'],
    node: asNode(value['node']),
    rest: value
  };
}

/** A number, or 0. */
export function asNumber(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

export function asNode(value: unknown): NodeId | null {
  return typeof value === 'number' || typeof value === 'string' ? value : null;
}

/** A node as a reader knows it: S1 and S2 are servers. */
export function nodeName(node: NodeId | null): string {
  return typeof node === 'number' ? `S${node}` : (node ?? '');
}

export function isServer(node: NodeId): boolean {
  return typeof node === 'number';
}
