/** One way to draw, onto a canvas sixty times a second and into an SVG file once. */

export interface IStroke {
  stroke?: string;
  fill?: string;
  width?: number;
  dash?: readonly number[];
  alpha?: number;
}

export interface ILettering {
  fill: string;
  size: number;
  bold?: boolean;
  align?: 'start' | 'middle' | 'end';
  alpha?: number;
}

export type Point = readonly [number, number];

export interface IPen {
  line(from: Point, to: Point, style: IStroke): void;
  polygon(points: readonly Point[], style: IStroke): void;
  circle(at: Point, radius: number, style: IStroke): void;
  /** A part of a circle, clockwise from the top; 1 is all of it. */
  arc(at: Point, radius: number, share: number, style: IStroke): void;
  box(at: Point, width: number, height: number, style: IStroke): void;
  text(at: Point, words: string, style: ILettering): void;
}

export class CanvasPen implements IPen {
  constructor(
    private readonly _context: CanvasRenderingContext2D,
    private readonly _font: string
  ) {}

  line(from: Point, to: Point, style: IStroke): void {
    this._context.beginPath();
    this._context.moveTo(...from);
    this._context.lineTo(...to);
    this._paint(style);
  }

  polygon(points: readonly Point[], style: IStroke): void {
    this._context.beginPath();
    for (const point of points) {
      this._context.lineTo(...point);
    }
    this._context.closePath();
    this._paint(style);
  }

  circle(at: Point, radius: number, style: IStroke): void {
    this.arc(at, radius, 1, style);
  }

  arc([x, y]: Point, radius: number, share: number, style: IStroke): void {
    this._context.beginPath();
    const from = -Math.PI / 2;
    this._context.arc(x, y, radius, from, from + 2 * Math.PI * share);
    this._paint(style);
  }

  box([x, y]: Point, width: number, height: number, style: IStroke): void {
    this._context.beginPath();
    this._context.rect(x, y, width, height);
    this._paint(style);
  }

  text([x, y]: Point, words: string, style: ILettering): void {
    const { size, bold, align, fill, alpha } = style;
    this._context.font = `${bold ? '600 ' : ''}${size}px ${this._font}`;
    this._context.textAlign =
      align === 'middle' ? 'center' : (align ?? 'start');
    this._context.textBaseline = 'alphabetic';
    this._context.globalAlpha = alpha ?? 1;
    this._context.fillStyle = fill;
    this._context.fillText(words, x, y);
    this._context.globalAlpha = 1;
  }

  private _paint({ stroke, fill, width, dash, alpha }: IStroke): void {
    this._context.globalAlpha = alpha ?? 1;
    if (fill) {
      this._context.fillStyle = fill;
      this._context.fill();
    }
    if (stroke) {
      this._context.strokeStyle = stroke;
      this._context.lineWidth = width ?? 1;
      this._context.setLineDash([...(dash ?? [])]);
      this._context.stroke();
    }
    this._context.globalAlpha = 1;
  }
}

export class SvgPen implements IPen {
  constructor(
    private readonly _width: number,
    private readonly _height: number,
    private readonly _font: string
  ) {}

  line(from: Point, to: Point, style: IStroke): void {
    this._add(
      'line',
      { x1: from[0], y1: from[1], x2: to[0], y2: to[1] },
      style
    );
  }

  polygon(points: readonly Point[], style: IStroke): void {
    const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
    this._add('polygon', { points: path }, style);
  }

  circle([x, y]: Point, radius: number, style: IStroke): void {
    this._add('circle', { cx: x, cy: y, r: radius }, style);
  }

  arc([x, y]: Point, radius: number, share: number, style: IStroke): void {
    if (share >= 1) {
      this.circle([x, y], radius, style);
      return;
    }
    const angle = 2 * Math.PI * share;
    const end = [x + radius * Math.sin(angle), y - radius * Math.cos(angle)];
    const large = share > 0.5 ? 1 : 0;
    const d = `M ${round(x)} ${round(y - radius)} A ${radius} ${radius} 0 ${large} 1 ${end.map(round).join(' ')}`;
    this._add('path', { d }, style);
  }

  box([x, y]: Point, width: number, height: number, style: IStroke): void {
    this._add('rect', { x, y, width, height }, style);
  }

  text([x, y]: Point, words: string, style: ILettering): void {
    const { size, bold, align, fill, alpha } = style;
    const weight = bold ? ' font-weight="600"' : '';
    const anchor = align ? ` text-anchor="${align}"` : '';
    const opacity = alpha === undefined ? '' : ` opacity="${round(alpha)}"`;
    this._parts.push(
      `<text x="${round(x)}" y="${round(y)}" font-size="${size}" fill="${escape(fill)}"${weight}${anchor}${opacity}>${escape(words)}</text>`
    );
  }

  /** Draw something further down. */
  below(distance: number, draw: () => void): void {
    this._parts.push(`<g transform="translate(0 ${round(distance)})">`);
    draw();
    this._parts.push('</g>');
  }

  /** The whole file. */
  finish(title: string, description: string): string {
    const { _width: width, _height: height } = this;
    return [
      `<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="${escape(this._font)}">`,
      `<title>${escape(title)}</title><desc>${escape(description)}</desc>`,
      ...this._parts,
      '</svg>'
    ].join('\n');
  }

  private _add(
    name: string,
    attributes: Readonly<Record<string, number | string>>,
    { stroke, fill, width, dash, alpha }: IStroke
  ): void {
    const all: Record<string, number | string> = {
      ...attributes,
      fill: fill ?? 'none'
    };
    if (stroke) {
      all['stroke'] = stroke;
      all['stroke-width'] = width ?? 1;
    }
    if (dash?.length) {
      all['stroke-dasharray'] = dash.join(' ');
    }
    if (alpha !== undefined) {
      all['opacity'] = alpha;
    }
    const written = Object.entries(all)
      .map(
        ([key, value]) =>
          `${key}="${typeof value === 'number' ? round(value) : escape(value)}"`
      )
      .join(' ');
    this._parts.push(`<${name} ${written}/>`);
  }

  private readonly _parts: string[] = [];
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
