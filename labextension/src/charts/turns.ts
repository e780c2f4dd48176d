/**
 * Draws many charts in turns, two in a frame, so that no frame is late for a sample's sake.
 *
 * What a script draws on a canvas is only written down: the browser paints it at the end of the
 * frame, which takes several times as long, and no clock of the script sees it.
 */

/** A frame has a cost of its own, which is halved so; four would make the longest too long. */
const PER_FRAME = 2;

const waiting = new Map<object, () => void>();
let frame: number | null = null;

/** Draw `chart` in one of the next frames; a drawing that was not done yet is left out. */
export function drawInTurn(chart: object, draw: () => void): void {
  waiting.set(chart, draw); // who waits already keeps its turn
  frame ??= requestAnimationFrame(take);
}

/** Do not draw it any more. */
export function leaveTurn(chart: object): void {
  waiting.delete(chart);
}

function take(): void {
  frame = null;
  for (const [chart, draw] of [...waiting].slice(0, PER_FRAME)) {
    waiting.delete(chart);
    draw();
  }
  if (waiting.size > 0) {
    frame = requestAnimationFrame(take);
  }
}
