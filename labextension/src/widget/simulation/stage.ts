/** The stage: nodes in a circle, messages on their way between them. */

import type { IInk } from './ink';
import { epochOf, messageColour, termColour } from './ink';
import {
  lane,
  messagePlace,
  radiusOf,
  type ILayout,
  type Target
} from './layout';
import { isAnswer, isHeartbeat, typeOf, type IFlying } from './message';
import type { IPen, Point } from './pen';
import type { INodeState, IStep, Timeline } from './timeline';
import { isServer, nodeName, type NodeId } from './trace';

/** With more of them in flight, names would only cover each other. */
const MOST_NAMES = 5;

export function drawStage(
  pen: IPen,
  ink: IInk,
  layout: ILayout,
  timeline: Timeline,
  step: IStep,
  time: number,
  chosen: Target | null
): void {
  const flying = timeline.inFlight(time);
  drawLinks(pen, ink, layout, step, chosen);
  for (const each of flying) {
    drawMessage(pen, ink, layout, each, chosen);
  }
  for (const [node, place] of layout.places) {
    const state = step.nodes.get(node);
    if (state) {
      drawNode(pen, ink, node, place, state, time);
    }
    if (
      step.index === timeline.steps.length - 1 &&
      timeline.violation?.nodes.includes(node)
    ) {
      pen.circle(place, radiusOf(node) + 8, { stroke: ink.bad, width: 3 });
    }
    if (chosen?.kind === 'node' && chosen.node === node) {
      pen.circle(place, radiusOf(node) + 9, {
        stroke: ink.text,
        width: 1.5,
        dash: [2, 3]
      });
    }
  }
  nameMessages(pen, ink, layout, flying);
}

function drawLinks(
  pen: IPen,
  ink: IInk,
  layout: ILayout,
  step: IStep,
  chosen: Target | null
): void {
  const servers = [...layout.places.keys()].filter(isServer);
  for (const src of servers) {
    for (const dst of servers) {
      const ends = lane(layout, src, dst);
      if (!ends) {
        continue;
      }
      const cut = step.cuts.has(`${src}>${dst}`);
      pen.line(ends[0], ends[1], {
        stroke: cut ? ink.bad : ink.grid,
        width: cut ? 1.25 : 1,
        dash: cut ? [2, 5] : []
      });
      if (chosen?.kind === 'link' && chosen.src === src && chosen.dst === dst) {
        pen.line(ends[0], ends[1], { stroke: ink.text, width: 2 });
        arrowHead(pen, ends[0], ends[1], ink.text);
      }
    }
  }
}

function drawNode(
  pen: IPen,
  ink: IInk,
  node: NodeId,
  place: Point,
  { state, probe, timers }: INodeState,
  time: number
): void {
  const radius = radiusOf(node);
  const [x, y] = place;
  if (!isServer(node)) {
    const half = Math.max(radius, nodeName(node).length * 3.3 + 3);
    pen.box([x - half, y - radius], half * 2, radius * 2, {
      fill: ink.raised,
      stroke: ink.line
    });
    pen.text([x, y + 4], nodeName(node), {
      fill: ink.text,
      size: 11,
      align: 'middle'
    });
    return;
  }
  const role = probe?.['role'];
  const epoch = epochOf(probe);
  const colour = termColour(ink, epoch ?? 0);
  const down = state === 'down';
  const leads = role === 'leader' && !down;
  pen.circle(place, radius, {
    fill: leads ? colour : ink.ground,
    stroke: down ? ink.line : colour,
    width: 2,
    dash: down ? [4, 4] : role === 'candidate' ? [7, 4] : []
  });
  if (leads) {
    pen.circle(place, radius + 4, { stroke: colour, width: 1.5 });
  }
  const election = timers.get('election');
  if (election && !down && !leads && election.due > election.set) {
    const left = (election.due - time) / (election.due - election.set);
    pen.arc(place, radius + 4.5, Math.min(Math.max(left, 0), 1), {
      stroke: ink.quiet,
      width: 2,
      alpha: 0.8
    });
  }
  const below = down || epoch === null ? '' : String(epoch);
  const alone = below === '' && state === 'up';
  pen.text([x, alone ? y + 5 : y - 1], nodeName(node), {
    fill: leads ? ink.ground : down ? ink.quiet : ink.text,
    size: 14,
    bold: true,
    align: 'middle'
  });
  pen.text([x, y + 13], below, {
    fill: leads ? ink.ground : ink.quiet,
    size: 11,
    align: 'middle'
  });
  if (down) {
    pen.line([x - 8, y + 5], [x + 8, y + 17], { stroke: ink.bad, width: 2 });
    pen.line([x + 8, y + 5], [x - 8, y + 17], { stroke: ink.bad, width: 2 });
  }
  if (state === 'paused') {
    for (const offset of [-5, 2]) {
      pen.box([x + offset, y + 15], 3, 7, { fill: ink.warn });
    }
  }
}

function drawMessage(
  pen: IPen,
  ink: IInk,
  layout: ILayout,
  flying: IFlying,
  chosen: Target | null
): void {
  const place = messagePlace(layout, flying);
  const ends = lane(layout, flying.message.src, flying.message.dst);
  if (!place || !ends) {
    return;
  }
  const { content, fate, id } = flying.message;
  const colour = fate === 'lost' ? ink.bad : messageColour(ink, content);
  const beat = isHeartbeat(content);
  const alpha = fate === 'lost' ? 1 - flying.way : 1;
  pen.line(ends[0], place, { stroke: colour, width: 1.5, alpha: 0.3 * alpha });
  const radius = beat ? 3.5 : 5.5;
  pen.circle(place, radius, {
    fill: isAnswer(content) ? ink.ground : colour,
    stroke: colour,
    width: 2,
    alpha
  });
  if (fate === 'lost' && flying.way > 0.3) {
    const [x, y] = place;
    pen.line([x - 5, y - 5], [x + 5, y + 5], { stroke: ink.bad, width: 2 });
    pen.line([x + 5, y - 5], [x - 5, y + 5], { stroke: ink.bad, width: 2 });
  }
  if (chosen?.kind === 'message' && chosen.message === id) {
    pen.circle(place, 10, { stroke: ink.text, width: 1.5, dash: [2, 3] });
  }
}

/** Names beside messages that do something, while there are few. */
function nameMessages(
  pen: IPen,
  ink: IInk,
  layout: ILayout,
  flying: readonly IFlying[]
): void {
  const named = flying.filter(({ message }) => !isHeartbeat(message.content));
  if (named.length > MOST_NAMES) {
    return;
  }
  const taken: Point[] = [];
  for (const each of named) {
    const place = messagePlace(layout, each);
    if (place) {
      const words = typeOf(each.message.content);
      const half = words.length * 3.1 + 3;
      const x = Math.min(Math.max(place[0], half), layout.width - half);
      const free = [place[1] - 15, place[1] + 17].find(y =>
        isFree([x, y], half, layout, taken)
      );
      if (free === undefined) {
        continue;
      }
      taken.push([x, free]);
      pen.box([x - half, free - 7], half * 2, 14, {
        fill: ink.ground,
        alpha: 0.85
      });
      pen.text([x, free + 4], words, {
        fill: ink.text,
        size: 11,
        align: 'middle'
      });
    }
  }
}

/** Whether a name would cover neither a node's nor another message's. */
function isFree(
  [x, y]: Point,
  half: number,
  layout: ILayout,
  taken: readonly Point[]
): boolean {
  const covers = ([otherX, otherY]: Point, height: number): boolean =>
    Math.abs(otherX - x) < half + height && Math.abs(otherY - y) < height + 7;
  return (
    ![...layout.places.values()].some(place => covers(place, 14)) &&
    !taken.some(place => covers(place, 7))
  );
}

function arrowHead(pen: IPen, from: Point, to: Point, fill: string): void {
  const angle = Math.atan2(to[1] - from[1], to[0] - from[0]);
  const corner = (turn: number): Point => [
    to[0] - 9 * Math.cos(angle + turn),
    to[1] - 9 * Math.sin(angle + turn)
  ];
  pen.polygon([to, corner(0.42), corner(-0.42)], { fill });
}
