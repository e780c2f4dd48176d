/**
 * Draws many charts in turns: as many in a frame as its share of time allows, the rest in the next
 * ones, so that no frame is late for a sample's sake.
 */

/** Of a frame's 16 ms; the rest is for layout, paint and everybody else. */
const SHARE_MS = 8;

const waiting = new Map<object, () => void>();
let frame: number | null = null;

/** Draw `chart` in one of the next frames; a drawing that was not done yet is left out. */
export function drawInTurn(chart: object, draw: () => void): void {
  waiting.delete(chart); // who was drawn last comes last again
  waiting.set(chart, draw);
  frame ??= requestAnimationFrame(take);
}

/** Do not draw it any more. */
export function leaveTurn(chart: object): void {
  waiting.delete(chart);
}

function take(): void {
  frame = null;
  const began = performance.now();
  for (const [chart, draw] of waiting) {
    waiting.delete(chart);
    draw();
    if (performance.now() - began > SHARE_MS) {
      break;
    }
  }
  if (waiting.size > 0) {
    frame = requestAnimationFrame(take);
  }
}
