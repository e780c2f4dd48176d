/** What happened while a chart was drawn: moments as lines, stretches as bands, each with its words. */

import type uPlot from 'uplot';
import type { IPalette, Tone } from './theme';

export interface IChartMark {
  /** Both in the chart's x; the same for a moment, `to` null while it goes on. */
  from: number;
  to: number | null;
  label: string;
  tone: Tone;
}

/** Room above the plot that the words need. */
export const MARKS_PX = 18;

const GAP_PX = 6;
const LABEL_PX = 10;

/** Draw bands; call before the series are drawn. */
export function drawBands(
  chart: uPlot,
  marks: readonly IChartMark[],
  palette: IPalette
): void {
  const { ctx, bbox } = chart;
  for (const mark of marks) {
    const [left, right] = extent(chart, mark);
    if (right - left < 1) {
      continue;
    }
    ctx.fillStyle = `${palette.tone(mark.tone)}1a`;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
}

/** Draw a line at each beginning, and its words where there is room for them. */
export function drawLines(
  chart: uPlot,
  marks: readonly IChartMark[],
  palette: IPalette
): void {
  if (marks.length === 0) {
    return;
  }
  const { ctx, bbox } = chart;
  const scale = canvasScale();
  let taken = bbox.left;
  ctx.save();
  ctx.font = `600 ${LABEL_PX * scale}px ${palette.family}`;
  ctx.textBaseline = 'top';
  ctx.textAlign = 'left';
  ctx.lineWidth = scale;
  for (const mark of [...marks].sort((a, b) => a.from - b.from)) {
    const [left, right] = extent(chart, mark);
    if (right < bbox.left || left > bbox.left + bbox.width) {
      continue;
    }
    const colour = palette.tone(mark.tone);
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    if (left >= bbox.left) {
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(left, bbox.top);
      ctx.lineTo(left, bbox.top + bbox.height);
      ctx.stroke();
    }
    const width = ctx.measureText(mark.label).width;
    const start = Math.min(
      Math.max(left, bbox.left),
      bbox.left + bbox.width - width
    );
    if (start >= taken) {
      ctx.fillText(mark.label, start, bbox.top - 13 * scale);
      taken = start + width + GAP_PX * scale;
    }
  }
  ctx.restore();
}

/** Pixels of the canvas per CSS pixel; asking the page for sizes would make it lay itself out. */
export function canvasScale(): number {
  return window.devicePixelRatio || 1;
}

function extent(chart: uPlot, { from, to }: IChartMark): [number, number] {
  const { bbox } = chart;
  const end = bbox.left + bbox.width;
  const at = (x: number): number => chart.valToPos(x, 'x', true);
  const left = at(from);
  const right = to === null ? end : at(to);
  return [
    left === right ? left : Math.max(left, bbox.left - 1),
    Math.min(right, end)
  ];
}
