/**
 * Where services stand: in layers, from those who ask to those who answer.
 *
 * Layers are longest paths from the clients; within a layer, services stand where those stand that
 * ask them (one sweep of barycentres). Enough for the dozen services a lesson has.
 */

export interface IEdge {
  source: string;
  target: string;
}

export interface IPlace {
  name: string;
  /** Centre, in px. */
  x: number;
  y: number;
}

export interface IRoute extends IEdge {
  /** An SVG path from the border of one to the border of the other. */
  path: string;
  /** Where its own figures stand: half-way. */
  middle: IPoint;
  /** Where it begins, a little on. */
  early: IPoint;
  /** Before its end: where figures stand that it has in common with others. */
  late: IPoint;
}

export interface IPoint {
  x: number;
  y: number;
}

export interface IPicture {
  width: number;
  height: number;
  /** Layers stand side by side; else below each other, where there is little room. */
  across: boolean;
  places: readonly IPlace[];
  routes: readonly IRoute[];
}

/** Outer size of a service, px. */
export const NODE = { width: 164, height: 92 };

/** The gap that figures on a link need, px. */
const GAP = { across: 92, down: 54, beside: 20 };

/** How far before its end a link has the figures it shares, px. */
const LATE = { across: 44, down: 24 };

/** Group `names` into layers; `entry` is the one clients ask. */
export function layers(
  names: readonly string[],
  edges: readonly IEdge[]
): string[][] {
  const known = forward(names, edges);
  const depth = new Map<string, number>(names.map(name => [name, 0]));
  // At most one round per service: without cycles no path is longer.
  for (let round = 0; round < names.length; round += 1) {
    for (const { source, target } of known) {
      depth.set(
        target,
        Math.max(depth.get(target) ?? 0, (depth.get(source) ?? 0) + 1)
      );
    }
  }
  // Whom nobody asks (a worker) stands right before whom it asks.
  for (const name of names) {
    const asked = known
      .filter(({ source }) => source === name)
      .map(({ target }) => depth.get(target) ?? 0);
    const isAsked = known.some(({ target }) => target === name);
    if (!isAsked && name !== names[0] && asked.length > 0) {
      depth.set(name, Math.max(1, Math.min(...asked) - 1));
    } else if (!isAsked && name !== names[0]) {
      depth.set(name, 1);
    }
  }
  const found: string[][] = [];
  for (const name of names) {
    (found[depth.get(name) ?? 0] ??= []).push(name);
  }
  return ordered(
    found.filter(layer => layer.length > 0),
    known
  );
}

/** Place `names` (the first one is who asks first) into a picture of at most `width` px. */
export function arrange(
  names: readonly string[],
  edges: readonly IEdge[],
  width: number
): IPicture {
  const found = layers(names, edges);
  const most = Math.max(1, ...found.map(layer => layer.length));
  const needed = found.length * NODE.width + (found.length - 1) * GAP.across;
  const across = width >= needed;
  const places: IPlace[] = [];
  let height: number;
  if (across) {
    height = most * NODE.height + (most - 1) * GAP.beside;
    const step =
      found.length > 1 ? (width - NODE.width) / (found.length - 1) : 0;
    found.forEach((layer, column) => {
      const row = height / layer.length;
      layer.forEach((name, index) => {
        places.push({
          name,
          x: found.length > 1 ? NODE.width / 2 + column * step : width / 2,
          y: row * (index + 0.5)
        });
      });
    });
  } else {
    const perRow = Math.max(
      1,
      Math.floor((width + GAP.beside) / (NODE.width + GAP.beside))
    );
    let y = NODE.height / 2;
    for (const layer of found) {
      for (let first = 0; first < layer.length; first += perRow) {
        const row = layer.slice(first, first + perRow);
        row.forEach((name, index) => {
          places.push({ name, x: (width / row.length) * (index + 0.5), y });
        });
        y += NODE.height + GAP.down;
      }
    }
    height = y - GAP.down - NODE.height / 2;
  }
  const at = new Map(places.map(place => [place.name, place]));
  const routes = edges.flatMap(edge => {
    const from = at.get(edge.source);
    const to = at.get(edge.target);
    return from && to && from !== to ? [route(edge, from, to, across)] : [];
  });
  return { width, height, across, places, routes };
}

function route(edge: IEdge, from: IPlace, to: IPlace, across: boolean): IRoute {
  const half = across ? NODE.width / 2 : NODE.height / 2;
  const along = across ? to.x - from.x : to.y - from.y;
  const back = along < 0 ? -1 : 1;
  const start = across
    ? { x: from.x + back * half, y: from.y }
    : { x: from.x, y: from.y + back * half };
  const end = across
    ? { x: to.x - back * half, y: to.y }
    : { x: to.x, y: to.y - back * half };
  const bend = (across ? end.x - start.x : end.y - start.y) / 2;
  const [out, into] = across
    ? [
        { x: start.x + bend, y: start.y },
        { x: end.x - bend, y: end.y }
      ]
    : [
        { x: start.x, y: start.y + bend },
        { x: end.x, y: end.y - bend }
      ];
  const at = (share: number): IPoint => {
    const rest = 1 - share;
    const mix = (a: number, b: number, c: number, d: number): number =>
      rest ** 3 * a +
      3 * rest ** 2 * share * b +
      3 * rest * share ** 2 * c +
      share ** 3 * d;
    return {
      x: mix(start.x, out.x, into.x, end.x),
      y: mix(start.y, out.y, into.y, end.y)
    };
  };
  return {
    ...edge,
    path: `M${start.x} ${start.y} C${out.x} ${out.y} ${into.x} ${into.y} ${end.x} ${end.y}`,
    middle: at(0.5),
    early: at(0.27),
    late: across
      ? { x: end.x - LATE.across, y: end.y }
      : { x: end.x, y: end.y - LATE.down }
  };
}

/** The edges that are left when those that close a circle are taken out. */
function forward(
  names: readonly string[],
  edges: readonly IEdge[]
): readonly IEdge[] {
  const kept: IEdge[] = [];
  const finished = new Set<string>();
  const open = new Set<string>();
  const visit = (name: string): void => {
    open.add(name);
    for (const edge of edges) {
      if (edge.source !== name || open.has(edge.target)) {
        continue;
      }
      kept.push(edge);
      if (!finished.has(edge.target)) {
        visit(edge.target);
      }
    }
    open.delete(name);
    finished.add(name);
  };
  for (const name of names) {
    if (!finished.has(name)) {
      visit(name);
    }
  }
  return kept;
}

function ordered(
  found: readonly string[][],
  edges: readonly IEdge[]
): string[][] {
  const position = new Map<string, number>();
  return found.map(layer => {
    const weight = (name: string, index: number): number => {
      const before = edges
        .filter(({ target }) => target === name)
        .map(({ source }) => position.get(source))
        .filter(place => place !== undefined);
      return before.length > 0
        ? before.reduce((sum, place) => sum + place, 0) / before.length
        : (index + 0.5) / layer.length;
    };
    const sorted = layer
      .map((name, index) => ({ name, index, weight: weight(name, index) }))
      .sort((a, b) => a.weight - b.weight || a.index - b.index)
      .map(({ name }) => name);
    sorted.forEach((name, index) => {
      position.set(name, (index + 0.5) / sorted.length);
    });
    return sorted;
  });
}
