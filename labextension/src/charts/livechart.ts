/** A line chart that is fed while it is looked at: uPlot, our legend, colours that follow the theme. */

import uPlot from 'uplot';
import { t } from '../i18n';
import {
  canvasScale,
  drawBands,
  drawLines,
  MARKS_PX,
  type IChartMark
} from './marks';
import type { ChartData, Column } from './ring';
import { onThemeChange, readPalette, type IPalette, type Tone } from './theme';

export interface ISeries {
  label: string;
  tone: Tone;
  /** Lengths of strokes and gaps; lines differ in more than colour. */
  dash?: readonly number[];
  /** Fill down to zero. */
  area?: boolean;
}

export interface IChartOptions {
  title: string;
  series: readonly ISeries[];
  /** A value with its unit, for the legend. */
  format: (value: number | null) => string;
  /** The same, short, for the axis. */
  formatTick: (value: number) => string;
  formatX: (value: number) => string;
  /** The y axis reaches at least to here. */
  top?: number;
  /** A level that matters, such as a quota: a dashed line with its words. */
  limit?: { value: number; label: string };
  height?: number;
  /** What happens is marked: leave room above for its words. */
  marked?: boolean;
  /** Charts with the same key share their cursor. */
  sync?: string;
}

const HEIGHT = 140;

/** Steps of the time axis. */
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

export class LiveChart {
  readonly element: HTMLElement;

  constructor(private readonly _options: IChartOptions) {
    this.element = document.createElement('figure');
    this.element.className = 'sd-chart';
    const head = document.createElement('figcaption');
    head.className = 'sd-chart-head';
    const title = document.createElement('span');
    title.className = 'sd-chart-title';
    title.textContent = _options.title;
    const legend = document.createElement('span');
    legend.className = 'sd-legend';
    head.append(title, legend);
    this._plot = document.createElement('div');
    this._plot.className = 'sd-chart-plot';
    this._plot.tabIndex = 0;
    this._plot.setAttribute('role', 'img');
    this._describe(false); // what is drawn first may have to wait for its turn
    this._plot.addEventListener('keydown', this._onKey);
    this._plot.addEventListener('blur', this._onBlur);
    this._spoken = document.createElement('span');
    this._spoken.className = 'sd-hidden';
    this._spoken.setAttribute('role', 'status');
    for (const series of _options.series) {
      legend.append(this._legendItem(series));
    }
    this.element.append(head, this._plot, this._spoken);
    this._resize = new ResizeObserver(this._onResize);
    this._resize.observe(this._plot);
    this._forgetTheme = onThemeChange(() => {
      this._palette = readPalette(this.element);
      this._chart?.redraw(false, true);
    });
  }

  /** Draw these points over this stretch of time; call at most once per animation frame. */
  setData(
    data: ChartData,
    range: readonly [number, number],
    marks: readonly IChartMark[] = []
  ): void {
    this._data = data;
    this._range = range;
    this._marks = marks;
    const chart = this._chart;
    if (chart) {
      // At once, and not in a microtask, so that whoever draws several knows how long it took.
      chart.batch(() => {
        chart.setData(data);
      });
    } else {
      this._make();
    }
    this.tell(newest(data));
  }

  /**
   * Show the newest values in the legend, drawn or not yet.
   *
   * @param latest one of each series; empty where there is none at all.
   */
  tell(latest: Column): void {
    this._latest = this._texts(latest);
    this._showValues();
    this._describe(latest.length > 0);
  }

  /**
   * `end` moved on to where the next picture ends, for a picture of that many `units`: a pixel
   * further, or two where a pixel is a second or more, which takes half of the drawings.
   */
  edge(end: number, units: number): number {
    const pixels = this._chart?.bbox.width ?? 0;
    if (pixels === 0) {
      return end;
    }
    const step = (units / pixels) * (units > pixels ? 2 : 1);
    return Math.ceil(end / step) * step;
  }

  dispose(): void {
    this._resize.disconnect();
    this._forgetTheme();
    cancelAnimationFrame(this._frame);
    this._chart?.destroy();
    this._chart = null;
    this.element.remove();
  }

  private _make(): void {
    const width = this._plot.clientWidth;
    if (width === 0 || !this.element.isConnected) {
      return; // the resize observer calls again once there is room
    }
    this._palette = readPalette(this.element);
    this._chart = new uPlot(this._uplot(width), this._data, this._plot);
  }

  private _uplot(width: number): uPlot.Options {
    const { series, formatTick, formatX, sync, top } = this._options;
    const palette = (): IPalette => this._palette ?? readPalette(this.element);
    const axis: uPlot.Axis = {
      stroke: () => palette().text,
      grid: { stroke: () => palette().grid, width: 1 },
      ticks: { show: false },
      font: palette().font,
      gap: 4
    };
    const cursor: uPlot.Cursor = {
      y: false,
      drag: { x: false, y: false },
      points: { size: 6 }
    };
    if (sync) {
      cursor.sync = { key: sync };
    }
    return {
      width,
      height: this._options.height ?? HEIGHT,
      padding: this._options.marked ? [MARKS_PX, 26, 0, 0] : [8, 14, 0, 0],
      legend: { show: false },
      cursor,
      scales: {
        x: { time: false, range: () => [this._range[0], this._range[1]] },
        y: {
          range: (_chart, _min, max) =>
            uPlot.rangeNum(0, max || 0, {
              min: { pad: 0, hard: 0 },
              max: { pad: 0.1, soft: top ?? 1, mode: 1 }
            })
        }
      },
      axes: [
        {
          ...axis,
          size: 24,
          incrs: SECONDS,
          values: written(formatX)
        },
        {
          ...axis,
          size: (_chart, labels) => roomFor(labels),
          values: written(formatTick)
        }
      ],
      series: [
        {},
        ...series.map(({ label, tone, dash, area }): uPlot.Series => {
          const line: uPlot.Series = {
            label,
            stroke: () => palette().tone(tone),
            width: 1.5,
            points: {
              show: true,
              size: 4,
              fill: () => palette().tone(tone),
              filter: (chart, index) => alone(chart.data[index] ?? [])
            }
          };
          if (dash) {
            line.dash = [...dash];
          }
          if (area) {
            line.fill = () => `${palette().tone(tone)}26`;
          }
          return line;
        })
      ],
      hooks: {
        drawClear: [
          chart => {
            drawBands(chart, this._marks, palette());
          }
        ],
        draw: [
          chart => {
            this._drawLimit(chart, palette());
            drawLines(chart, this._marks, palette());
          }
        ],
        setCursor: [
          () => {
            this._showValues();
          }
        ]
      }
    };
  }

  private _drawLimit(chart: uPlot, palette: IPalette): void {
    const { limit } = this._options;
    if (!limit) {
      return;
    }
    const { ctx, bbox } = chart;
    const y = chart.valToPos(limit.value, 'y', true);
    if (y < bbox.top || y > bbox.top + bbox.height) {
      return;
    }
    const scale = canvasScale();
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = palette.tone('muted');
    ctx.lineWidth = scale;
    ctx.setLineDash([5 * scale, 4 * scale]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.font = `${10 * scale}px ${palette.family}`;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'bottom';
    ctx.fillText(limit.label, bbox.left + bbox.width - 3 * scale, y - scale);
    ctx.restore();
  }

  private _legendItem(series: ISeries): HTMLElement {
    const item = document.createElement('span');
    item.className = 'sd-legend-item';
    const key = document.createElement('span');
    key.className = 'sd-legend-key';
    key.style.borderTopColor = `var(--sd-chart-${series.tone})`;
    key.style.borderTopStyle = !series.dash
      ? 'solid'
      : (series.dash[0] ?? 0) < 4
        ? 'dotted'
        : 'dashed';
    const label = document.createElement('span');
    label.textContent = series.label;
    const value = document.createElement('span');
    value.className = 'sd-legend-value';
    this._values.push(value);
    item.append(key, label, value);
    return item;
  }

  /** Legend values: under the cursor, else the newest. */
  private _showValues(): void {
    const index = this._chart?.cursor.idx;
    const texts =
      index == null ? this._latest : this._texts(rowAt(this._data, index));
    this._values.forEach((element, series) => {
      const text = texts[series] ?? '';
      if (element.textContent !== text) {
        element.textContent = text;
      }
    });
  }

  private _describe(known: boolean): void {
    const { title } = this._options;
    const words = known
      ? t('{title}, latest: {values}. Arrow keys move through time.', {
          title,
          values: this._say(this._latest)
        })
      : t('{title}: no data yet', { title });
    if (words !== this._words) {
      this._words = words;
      this._plot.setAttribute('aria-label', words);
    }
  }

  private _texts(row: Column): readonly string[] {
    const { series, format } = this._options;
    return series.map((_, index) => format(row[index] ?? null));
  }

  private _say(texts: readonly string[]): string {
    return this._options.series
      .map(({ label }, index) => `${label} ${texts[index] ?? ''}`)
      .join(', ');
  }

  private readonly _onKey = (event: KeyboardEvent): void => {
    const chart = this._chart;
    const last = this._data[0].length - 1;
    const steps: Partial<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageUp: -10,
      PageDown: 10,
      Home: -Infinity,
      End: Infinity
    };
    const step = steps[event.key];
    if (!chart || step === undefined || last < 0) {
      return;
    }
    event.preventDefault();
    event.stopPropagation(); // a notebook moves between cells with these keys
    const from = chart.cursor.idx ?? last;
    const index = Math.min(Math.max(from + step, 0), last);
    const x = this._data[0][index] ?? 0;
    chart.setCursor({ left: chart.valToPos(x, 'x'), top: 0 });
    this._spoken.textContent = `${this._options.formatX(x)}: ${this._say(this._texts(rowAt(this._data, index)))}`;
  };

  private readonly _onBlur = (): void => {
    this._chart?.setCursor({ left: -10, top: -10 });
    this._spoken.textContent = '';
  };

  private readonly _onResize = (): void => {
    cancelAnimationFrame(this._frame);
    this._frame = requestAnimationFrame(() => {
      const width = this._plot.clientWidth;
      if (!this._chart) {
        this._make();
      } else if (width > 0 && width !== this._chart.width) {
        this._chart.setSize({ width, height: this._chart.height });
      }
    });
  };

  private readonly _plot: HTMLElement;
  private readonly _spoken: HTMLElement;
  private readonly _values: HTMLElement[] = [];
  private readonly _resize: ResizeObserver;
  private readonly _forgetTheme: () => void;
  private _palette: IPalette | null = null;
  private _chart: uPlot | null = null;
  private _data: ChartData = [[]];
  /** The newest value of each series, as it is written. */
  private _latest: readonly string[] = [];
  private _words = '';
  private _range: readonly [number, number] = [0, 1];
  private _marks: readonly IChartMark[] = [];
  private _frame = 0;
}

/** Texts of ticks: those of a chart stay the same for many drawings. */
function written(
  format: (value: number) => string
): (chart: uPlot, ticks: number[]) => string[] {
  let last: readonly number[] = [];
  let texts: string[] = [];
  return (_chart, ticks) => {
    if (ticks.join() !== last.join()) {
      last = ticks;
      texts = ticks.map(format);
    }
    return texts;
  };
}

/** The width of the y axis: the same in all charts whose labels are not long. */
function roomFor(labels: readonly string[] | null): number {
  const longest = Math.max(0, ...(labels ?? []).map(({ length }) => length));
  return Math.max(48, 6.5 * longest + 6);
}

function rowAt([, ...columns]: ChartData, index: number): Column {
  return columns.map(column => column[index] ?? null);
}

/** Where values stand between holes: no line leads to them, so that they would not be seen. */
function alone(column: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let index = 0; index < column.length; index += 1) {
    if (
      column[index] != null &&
      column[index - 1] == null &&
      column[index + 1] == null
    ) {
      found.push(index);
    }
  }
  return found;
}

function newest(data: ChartData): Column {
  const last = data[0].length - 1;
  return last < 0 ? [] : rowAt(data, last);
}
