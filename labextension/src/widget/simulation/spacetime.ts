/** The space–time diagram (Lamport, 1978): a line for each node, an arrow for each message. */

import { epochOf, messageColour, termColour, type IInk } from './ink';
import { isAnswer, isHeartbeat, typeOf, type IMessage } from './message';
import { between, type Target } from './layout';
import type { IPen, Point } from './pen';
import type { IStep, Timeline } from './timeline';
import { asNumber, isServer, nodeName, type NodeId } from './trace';

const LEFT = 64;
const RIGHT = 10;
const TOP = 20;
const ROW = 34;
const AXIS = 20;

export interface ISpan {
  from: number;
  to: number;
}

export function spacetimeHeight(nodes: number): number {
  return TOP + ROW * Math.max(nodes - 1, 0) + 16 + AXIS;
}

/** The stretch of time that is shown around a moment; at the edges of the run it stands still. */
export function spanAround(time: number, width: number, end: number): ISpan {
  const from = Math.max(Math.min(time - width * 0.7, end - width), 0);
  return { from, to: from + width };
}

/** The moment under a place of the picture. */
export function timeAtX(x: number, width: number, span: ISpan): number {
  const share = (x - LEFT) / (width - LEFT - RIGHT);
  return span.from + share * (span.to - span.from);
}

/**
 * Draw what had happened by `time`; what comes after is drawn faintly up to `seen`, and not at all
 * behind it, so that a prediction stays one.
 */
export function drawSpacetime(
  pen: IPen,
  ink: IInk,
  width: number,
  timeline: Timeline,
  view: { time: number; seen: number; span: ISpan; chosen: Target | null }
): void {
  const { time, seen, span, chosen } = view;
  const scale = (width - LEFT - RIGHT) / (span.to - span.from);
  const x = (t: number): number => LEFT + (t - span.from) * scale;
  const rows = new Map(
    timeline.nodes.map((node, row) => [node, TOP + 8 + row * ROW] as const)
  );
  const height = spacetimeHeight(timeline.nodes.length);
  drawAxis(pen, ink, width, height, span, x);
  const first = timeline.stepAt(span.from);
  const last = timeline.stepAt(Math.min(span.to, seen));
  for (const [node, y] of rows) {
    drawLife(pen, ink, timeline, node, y, { first, last, span, time, seen }, x);
  }
  for (const message of timeline.between(span.from, Math.min(span.to, seen))) {
    drawArrow(pen, ink, rows, message, { time, seen, span, chosen }, x);
  }
  // What was sent before the stretch begins comes in from the edge, not through the names.
  pen.box([0, 0], LEFT, height - AXIS + 2, { fill: ink.ground });
  for (const [node, y] of rows) {
    pen.text([LEFT - 10, y + 4], nodeName(node), {
      fill: ink.text,
      size: isServer(node) ? 12 : 11,
      bold: isServer(node),
      align: 'end'
    });
  }
  for (let at = first; at <= last; at += 1) {
    const step = timeline.step(at);
    if (step.t >= span.from) {
      drawMoments(pen, ink, rows, step, height, x(step.t), step.t > time);
    }
  }
  const now = x(time);
  pen.line([now, TOP - 8], [now, height - AXIS], {
    stroke: ink.text,
    width: 1.5
  });
  pen.polygon(
    [
      [now - 5, TOP - 13],
      [now + 5, TOP - 13],
      [now, TOP - 6]
    ],
    { fill: ink.text }
  );
}

function drawAxis(
  pen: IPen,
  ink: IInk,
  width: number,
  height: number,
  span: ISpan,
  x: (t: number) => number
): void {
  const wanted = (span.to - span.from) / 6;
  const unit = 10 ** Math.floor(Math.log10(wanted));
  const every =
    ([1, 2, 5, 10].find(each => each * unit >= wanted) ?? 10) * unit;
  for (let t = Math.ceil(span.from / every) * every; t <= span.to; t += every) {
    pen.line([x(t), TOP - 4], [x(t), height - AXIS], {
      stroke: ink.grid,
      width: 1
    });
    if (x(t) < width - 28) {
      pen.text([x(t), height - 5], formatTime(t), {
        fill: ink.quiet,
        size: 11,
        align: 'middle'
      });
    }
  }
}

/** A node's line: thick where it leads, dashed where it is down, in the colour of its term. */
function drawLife(
  pen: IPen,
  ink: IInk,
  timeline: Timeline,
  node: NodeId,
  y: number,
  view: {
    first: number;
    last: number;
    span: ISpan;
    time: number;
    seen: number;
  },
  x: (t: number) => number
): void {
  const { first, last, span, time, seen } = view;
  let from = span.from;
  let state = timeline.step(first).nodes.get(node);
  const until = Math.min(span.to, seen);
  const draw = (to: number): void => {
    if (!state || to <= from) {
      return;
    }
    const leads = state.probe?.['role'] === 'leader' && state.state !== 'down';
    const server = isServer(node);
    const stroke =
      state.state === 'down' || !server
        ? ink.line
        : termColour(ink, epochOf(state.probe) ?? 0);
    const style = {
      stroke,
      width: leads ? 5 : 2,
      dash: state.state === 'down' ? [3, 5] : []
    };
    const middle = Math.min(Math.max(time, from), to);
    if (middle > from) {
      pen.line([x(from), y], [x(middle), y], style);
    }
    if (to > middle) {
      pen.line([x(middle), y], [x(to), y], { ...style, alpha: 0.3 });
    }
  };
  for (let at = first + 1; at <= last; at += 1) {
    const step = timeline.step(at);
    const next = step.nodes.get(node);
    if (next !== state) {
      draw(step.t);
      from = step.t;
      state = next;
    }
  }
  draw(until);
}

function drawArrow(
  pen: IPen,
  ink: IInk,
  rows: ReadonlyMap<NodeId, number>,
  message: IMessage,
  view: { time: number; seen: number; span: ISpan; chosen: Target | null },
  x: (t: number) => number
): void {
  const from = rows.get(message.src);
  const to = rows.get(message.dst);
  if (from === undefined || to === undefined) {
    return;
  }
  const { time, seen, chosen } = view;
  const { sent, until, fate, content } = message;
  const lost = fate === 'lost';
  const whole: readonly [Point, Point] = [
    [x(sent), from],
    [x(until), to]
  ];
  const share =
    until > sent ? (Math.min(seen, until) - sent) / (until - sent) : 1;
  const tip = between(whole[0], whole[1], lost ? share / 2 : share);
  const beat = isHeartbeat(content);
  const stroke = lost ? ink.bad : messageColour(ink, content);
  const picked = chosen?.kind === 'message' && chosen.message === message.id;
  const faint =
    sent > time ? 0.25 : beat || typeOf(content) === 'Appended' ? 0.6 : 1;
  pen.line(whole[0], tip, {
    stroke,
    width: picked ? 3 : beat ? 0.8 : 1.3,
    dash: isAnswer(content) ? [4, 3] : [],
    alpha: picked ? 1 : faint
  });
  if (lost) {
    const [cx, cy] = tip;
    pen.line([cx - 4, cy - 4], [cx + 4, cy + 4], {
      stroke,
      width: 1.5,
      alpha: faint
    });
    pen.line([cx + 4, cy - 4], [cx - 4, cy + 4], {
      stroke,
      width: 1.5,
      alpha: faint
    });
  } else if (share >= 1 && fate !== 'open') {
    const angle = Math.atan2(tip[1] - whole[0][1], tip[0] - whole[0][0]);
    const corner = (turn: number): Point => [
      tip[0] - 7 * Math.cos(angle + turn),
      tip[1] - 7 * Math.sin(angle + turn)
    ];
    pen.polygon([tip, corner(0.35), corner(-0.35)], {
      fill: fate === 'missed' ? ink.ground : stroke,
      stroke,
      width: 0.8,
      alpha: faint
    });
  }
}

/** Marks on the lines: an election won, a crash, a fault. */
function drawMoments(
  pen: IPen,
  ink: IInk,
  rows: ReadonlyMap<NodeId, number>,
  step: IStep,
  height: number,
  x: number,
  later: boolean
): void {
  const alpha = later ? 0.3 : 1;
  if (step.event?.kind === 'fault' || step.event?.kind === 'healed') {
    const stroke = step.event.kind === 'fault' ? ink.bad : ink.ok;
    pen.line([x, TOP - 2], [x, height - AXIS], {
      stroke,
      width: 1,
      dash: [2, 3],
      alpha
    });
  }
  for (const line of step.noticed) {
    const y = line.node === null ? undefined : rows.get(line.node);
    if (y === undefined) {
      continue;
    }
    if (line.kind === 'elected') {
      const fill = termColour(ink, asNumber(line.rest['term']));
      pen.circle([x, y], 6, { fill, stroke: ink.ground, width: 1.5, alpha });
      pen.text([x, y - 9], String(asNumber(line.rest['term'])), {
        fill,
        size: 11,
        bold: true,
        align: 'middle',
        alpha
      });
    } else if (line.kind === 'crashed') {
      pen.line([x - 5, y - 5], [x + 5, y + 5], {
        stroke: ink.bad,
        width: 2.5,
        alpha
      });
      pen.line([x + 5, y - 5], [x - 5, y + 5], {
        stroke: ink.bad,
        width: 2.5,
        alpha
      });
    } else if (line.kind === 'restarted' || line.kind === 'resumed') {
      pen.circle([x, y], 4, { fill: ink.ok, alpha });
    } else if (line.kind === 'paused') {
      pen.box([x - 4, y - 5], 3, 10, { fill: ink.warn, alpha });
      pen.box([x + 1, y - 5], 3, 10, { fill: ink.warn, alpha });
    }
  }
}

/** `1.204 s`, as in `simulation/units.py`. */
export function formatTime(us: number): string {
  return us >= 1_000_000
    ? `${trimmed(us / 1_000_000, 3)} s`
    : `${trimmed(us / 1000, 1)} ms`;
}

function trimmed(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)));
}
