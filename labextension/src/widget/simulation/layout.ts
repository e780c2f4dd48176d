/** Where nodes and messages are on the stage, and what is under the pointer. */

import type { IFlying } from './message';
import type { Point } from './pen';
import { isServer, type NodeId } from './trace';

export const RADIUS = 25;
const CLIENT = 15;
/** Both directions of a link side by side, so that messages do not meet. */
const LANE = 5;

export interface ILayout {
  width: number;
  height: number;
  places: ReadonlyMap<NodeId, Point>;
}

/** Servers on a circle, the first at the top; clients in a column at the left. */
export function layOut(
  nodes: readonly NodeId[],
  width: number,
  height: number
): ILayout {
  const servers = nodes.filter(isServer);
  const others = nodes.filter(node => !isServer(node));
  const left = others.length > 0 ? 64 : 0;
  const [x, y] = [left + (width - left) / 2, height / 2 + 4];
  const across = Math.min((width - left) / 2 - RADIUS - 34, height * 0.72);
  const down = height / 2 - RADIUS - 22;
  const places = new Map<NodeId, Point>();
  servers.forEach((node, index) => {
    const angle = (2 * Math.PI * index) / servers.length - Math.PI / 2;
    places.set(node, [
      x + across * Math.cos(angle),
      y + down * Math.sin(angle)
    ]);
  });
  others.forEach((node, index) => {
    places.set(node, [34, (height * (index + 1)) / (others.length + 1)]);
  });
  return { width, height, places };
}

export function radiusOf(node: NodeId): number {
  return isServer(node) ? RADIUS : CLIENT;
}

/** Both ends of a link, in its lane, from edge to edge of the nodes. */
export function lane(
  layout: ILayout,
  src: NodeId,
  dst: NodeId
): readonly [Point, Point] | null {
  const from = layout.places.get(src);
  const to = layout.places.get(dst);
  if (!from || !to || src === dst) {
    return null;
  }
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const length = Math.hypot(dx, dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const [ox, oy] = [-uy * LANE, ux * LANE];
  const start = radiusOf(src) + 3;
  const stop = length - radiusOf(dst) - 3;
  return [
    [from[0] + ux * start + ox, from[1] + uy * start + oy],
    [from[0] + ux * stop + ox, from[1] + uy * stop + oy]
  ];
}

export function messagePlace(layout: ILayout, flying: IFlying): Point | null {
  const ends = lane(layout, flying.message.src, flying.message.dst);
  return ends && between(ends[0], ends[1], flying.way);
}

export function between(from: Point, to: Point, way: number): Point {
  return [from[0] + (to[0] - from[0]) * way, from[1] + (to[1] - from[1]) * way];
}

export type Target =
  | { kind: 'node'; node: NodeId }
  | { kind: 'link'; src: NodeId; dst: NodeId }
  | { kind: 'message'; message: number }
  | { kind: 'group' };

/** What lies under a point: messages before nodes, nodes before links. */
export function targetAt(
  layout: ILayout,
  flying: readonly IFlying[],
  [x, y]: Point
): Target | null {
  for (const each of flying) {
    const place = messagePlace(layout, each);
    if (place && Math.hypot(place[0] - x, place[1] - y) < 9) {
      return { kind: 'message', message: each.message.id };
    }
  }
  for (const [node, place] of layout.places) {
    if (Math.hypot(place[0] - x, place[1] - y) <= radiusOf(node) + 2) {
      return { kind: 'node', node };
    }
  }
  const servers = [...layout.places.keys()].filter(isServer);
  for (const src of servers) {
    for (const dst of servers) {
      const ends = lane(layout, src, dst);
      if (ends && distance([x, y], ends[0], ends[1]) < 5) {
        return { kind: 'link', src, dst };
      }
    }
  }
  return null;
}

function distance([x, y]: Point, from: Point, to: Point): number {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const share =
    ((x - from[0]) * dx + (y - from[1]) * dy) / (dx * dx + dy * dy || 1);
  const [nx, ny] = between(from, to, Math.min(Math.max(share, 0), 1));
  return Math.hypot(x - nx, y - ny);
}
