/** The diagram of space and time, of as much time around the moment as one wants to see. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { t } from '../../i18n';
import { Button } from '../components';
import { useKeyboardKept } from '../hooks';
import type { Target } from './layout';
import { Picture, type Frames } from './Picture';
import type { Player } from './player';
import {
  drawSpacetime,
  formatTime,
  spacetimeHeight,
  spanAround,
  timeAtX
} from './spacetime';
import type { Timeline } from './timeline';

const SPANS_US = [20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000];

/** Where among the stretches of time one begins. */
export const USUAL_ZOOM = 3;

/** The time shown around `time`, µs. */
export function spanOf(
  zoom: number,
  time: number,
  timeline: Timeline
): ReturnType<typeof spanAround> {
  return spanAround(time, SPANS_US[zoom] ?? 200_000, timeline.end);
}

export function Diagram(props: {
  frames: Frames;
  player: Player;
  timeline: Timeline;
  /** Also what is still to come. */
  reveal: boolean;
  zoom: number;
  onZoom: (zoom: number) => void;
  chosen: Target | null;
  onMove: (move: (player: Player) => void) => void;
}): JSX.Element {
  const { player, timeline, zoom, onZoom } = props;
  const buttons = useRef<HTMLSpanElement>(null);
  // The one that leads no further goes out under the finger.
  useKeyboardKept(buttons, () =>
    buttons.current?.querySelector<HTMLElement>('button:not(:disabled)')
  );
  return (
    <div class="sd-sim-spacetime">
      <div class="sd-section-head">
        <span class="sd-section-title">{t('Space and time')}</span>
        <span class="sd-sub">
          {t('a line for each node, an arrow for each message')}
        </span>
        <span ref={buttons} class="sd-actions">
          <Button
            label={t('Show less time')}
            disabled={zoom === 0}
            onClick={() => {
              onZoom(zoom - 1);
            }}
          >
            +
          </Button>
          <Button
            label={t('Show more time')}
            disabled={zoom === SPANS_US.length - 1}
            onClick={() => {
              onZoom(zoom + 1);
            }}
          >
            −
          </Button>
        </span>
      </div>
      <Picture
        frames={props.frames}
        drag
        height={spacetimeHeight(timeline.nodes.length)}
        label={t('Space–time diagram around {time}', {
          time: formatTime(player.time)
        })}
        draw={(pen, ink, width) => {
          drawSpacetime(pen, ink, width, timeline, {
            time: player.time,
            seen: props.reveal ? timeline.end : player.seen,
            span: spanOf(zoom, player.time, timeline),
            chosen: props.chosen
          });
        }}
        onPoint={([x], width) => {
          const span = spanOf(zoom, player.time, timeline);
          props.onMove(each => {
            each.seek(timeAtX(x, width, span));
          });
        }}
      />
    </div>
  );
}
