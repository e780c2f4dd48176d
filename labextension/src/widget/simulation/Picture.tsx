/** A canvas that is drawn anew for each frame, and by itself when its size or the theme changes. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { onThemeChange } from '../../charts/theme';
import { readInk, type IInk } from './ink';
import { CanvasPen, type IPen, type Point } from './pen';

/** Who wants to draw when time passes. */
export class Frames {
  add(draw: () => void): () => void {
    this._all.add(draw);
    return () => {
      this._all.delete(draw);
    };
  }

  draw(): void {
    this._all.forEach(draw => {
      draw();
    });
  }

  private readonly _all = new Set<() => void>();
}

export function Picture(props: {
  frames: Frames;
  label: string;
  height: number;
  draw: (pen: IPen, ink: IInk, width: number) => void;
  onPoint?: (at: Point, width: number) => void;
  /** Also while the button is held down. */
  drag?: boolean;
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const ink = useRef<IInk | null>(null);
  const { frames, height } = props;

  const draw = (): void => {
    const element = canvas.current;
    const context = element?.getContext('2d');
    const width = element?.clientWidth ?? 0;
    if (!element || !context || width === 0) {
      return;
    }
    const scale = window.devicePixelRatio || 1;
    const [wide, high] = [
      Math.round(width * scale),
      Math.round(height * scale)
    ];
    if (element.width !== wide || element.height !== high) {
      element.width = wide;
      element.height = high;
    }
    ink.current ??= readInk(element);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    latest.current.draw(
      new CanvasPen(context, ink.current.font),
      ink.current,
      width
    );
  };
  const drawLatest = useRef(draw);
  drawLatest.current = draw;

  useEffect(() => {
    const element = canvas.current;
    if (!element) {
      return;
    }
    const again = (): void => {
      drawLatest.current();
    };
    const resize = new ResizeObserver(again);
    resize.observe(element);
    const forgetFrames = frames.add(again);
    const forgetTheme = onThemeChange(() => {
      ink.current = null;
      again();
    });
    return () => {
      resize.disconnect();
      forgetFrames();
      forgetTheme();
    };
  }, [frames]);
  useEffect(draw);

  const point = (event: PointerEvent): void => {
    const element = canvas.current;
    if (element) {
      const box = element.getBoundingClientRect();
      props.onPoint?.(
        [event.clientX - box.left, event.clientY - box.top],
        element.clientWidth
      );
    }
  };
  return (
    <canvas
      ref={canvas}
      class={`sd-sim-picture ${props.onPoint ? 'sd-sim-pointed' : ''}`}
      style={{ height: `${height}px` }}
      role="img"
      aria-label={props.label}
      onPointerDown={point}
      onPointerMove={event => {
        if (props.drag && event.buttons === 1) {
          point(event);
        }
      }}
    />
  );
}
