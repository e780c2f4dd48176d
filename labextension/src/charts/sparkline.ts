/** A word-sized line of the last minute, against a limit. */

import { onThemeChange, readPalette } from './theme';

export interface ISparkline {
  values: readonly (number | null)[];
  /** How many points the whole width is; newer ones stand at the right. */
  span: number;
  /** Drawn as a dashed line; also the least top of the scale. */
  limit: number | null;
}

export class Sparkline {
  constructor(private readonly _canvas: HTMLCanvasElement) {
    this._forgetTheme = onThemeChange(() => {
      this.draw(this._last);
    });
  }

  draw(spark: ISparkline): void {
    this._last = spark;
    const context = this._canvas.getContext('2d');
    const width = this._canvas.clientWidth;
    const height = this._canvas.clientHeight;
    if (!context || width === 0) {
      return;
    }
    const scale = window.devicePixelRatio || 1;
    this._canvas.width = Math.round(width * scale);
    this._canvas.height = Math.round(height * scale);
    context.scale(scale, scale);
    const palette = readPalette(this._canvas);
    const numbers = spark.values.filter(value => value !== null);
    const top = Math.max(spark.limit ?? 0, ...numbers, 0.01) * 1.1;
    const y = (value: number): number =>
      height - 1 - (value / top) * (height - 2);
    if (spark.limit !== null) {
      context.strokeStyle = palette.tone('muted');
      context.setLineDash([3, 3]);
      line(context, [
        [0, y(spark.limit)],
        [width, y(spark.limit)]
      ]);
      context.setLineDash([]);
    }
    context.strokeStyle = palette.tone(1);
    context.lineWidth = 1.5;
    const step = width / (spark.span - 1);
    const first = width - (spark.values.length - 1) * step;
    let points: [number, number][] = [];
    spark.values.forEach((value, index) => {
      if (value === null) {
        line(context, points);
        points = [];
      } else {
        points.push([first + index * step, y(value)]);
      }
    });
    line(context, points);
  }

  dispose(): void {
    this._forgetTheme();
  }

  private readonly _forgetTheme: () => void;
  private _last: ISparkline = { values: [], span: 60, limit: null };
}

function line(
  context: CanvasRenderingContext2D,
  points: readonly (readonly [number, number])[]
): void {
  context.beginPath();
  points.forEach(([x, y], index) => {
    if (index === 0) {
      context.moveTo(x, y);
    } else {
      context.lineTo(x, y);
    }
  });
  context.stroke();
}
