/** Going through time: buttons, speed, and the line of the whole run. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { t } from '../../i18n';
import { Button } from '../components';
import { useKeyboardKept } from '../hooks';
import { SPEEDS, type Player } from './player';
import { formatTime } from './spacetime';
import type { IStep, Timeline } from './timeline';
import { headline } from './words';

export function Controls(props: {
  player: Player;
  timeline: Timeline;
  /** Steps to be marked on the line. */
  notable: readonly IStep[];
  onMove: (move: (player: Player) => void) => void;
}): JSX.Element {
  const { player, timeline, notable, onMove } = props;
  const { direction } = player;
  const last = timeline.steps.length - 1;
  const root = useRef<HTMLDivElement>(null);
  // What leads no further goes out under the finger.
  useKeyboardKept(root, () =>
    root.current?.querySelector<HTMLElement>('.sd-primary')
  );
  const toggle = (way: -1 | 1): void => {
    onMove(each => {
      if (each.direction === way) {
        each.pause();
      } else {
        each.play(way);
      }
    });
  };
  const move = (steps: number) => () => {
    onMove(each => {
      each.move(steps);
    });
  };
  return (
    <div ref={root} class="sd-sim-controls">
      <div
        class="sd-actions sd-actions-left"
        role="group"
        aria-label={t('Time')}
      >
        <Button
          label={direction < 0 ? t('Pause') : t('Rewind')}
          pressed={direction < 0}
          disabled={player.step === 0 && direction === 0}
          onClick={() => {
            toggle(-1);
          }}
        >
          <Icon path={direction < 0 ? PAUSE : REWIND} />
        </Button>
        <Button
          label={t('One step back')}
          disabled={player.step === 0}
          onClick={move(-1)}
        >
          <Icon path={BACK} />
        </Button>
        <Button
          primary
          label={direction > 0 ? t('Pause') : t('Play')}
          onClick={() => {
            toggle(1);
          }}
        >
          <Icon path={direction > 0 ? PAUSE : PLAY} />
          {direction > 0 ? t('Pause') : t('Play')}
        </Button>
        <Button
          label={t('One step on')}
          disabled={player.step >= last}
          onClick={move(1)}
        >
          <Icon path={FORWARD} />
        </Button>
        <Button
          label={t('To the end')}
          disabled={player.step >= last}
          onClick={move(last)}
        >
          <Icon path={END} />
        </Button>
        <label class="sd-field">
          {t('Speed')}
          <select
            value={String(player.speed)}
            onChange={event => {
              const speed = Number(event.currentTarget.value);
              onMove(each => {
                each.speed = speed;
              });
            }}
          >
            {SPEEDS.map(speed => (
              <option key={speed} value={String(speed)}>
                {speed === 1_000_000
                  ? t('as it is')
                  : t('{ms} ms a second', { ms: speed / 1000 })}
              </option>
            ))}
          </select>
        </label>
        <span class="sd-num sd-sim-clock">
          {t('{time} of {end} · step {step} of {last}', {
            time: formatTime(player.time),
            end: formatTime(timeline.end),
            step: player.step,
            last
          })}
        </span>
      </div>
      <div class="sd-sim-line">
        <div class="sd-sim-marks" aria-hidden="true">
          {notable.map(step => (
            <span
              key={step.index}
              class={`sd-sim-mark sd-sim-mark-${lookOf(step)}`}
              style={{
                insetInlineStart: `${(100 * step.t) / (timeline.end || 1)}%`
              }}
              title={headline(step)}
            />
          ))}
        </div>
        <input
          type="range"
          min={0}
          max={timeline.end}
          step={1}
          value={player.time}
          aria-label={t('Moment of the run')}
          aria-valuetext={formatTime(player.time)}
          onInput={event => {
            const time = Number(event.currentTarget.value);
            onMove(each => {
              each.seek(time);
            });
          }}
          onKeyDown={event => {
            // Arrows go from event to event: a millisecond means nothing here.
            const way = {
              ArrowLeft: -1,
              ArrowRight: 1,
              PageDown: -20,
              PageUp: 20
            }[event.key];
            if (way !== undefined) {
              event.preventDefault();
              move(way)();
            }
          }}
        />
      </div>
    </div>
  );
}

function lookOf(step: IStep): string {
  if (step.event?.kind === 'fault') {
    return 'bad';
  }
  if (step.noticed.some(({ kind }) => kind === 'elected')) {
    return 'lead';
  }
  return 'quiet';
}

function Icon({ path }: { path: string }): JSX.Element {
  return (
    <svg class="sd-sim-icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}

const PLAY = 'M4 2.5v11l9-5.5Z';
const PAUSE = 'M4 3h3v10H4Zm5 0h3v10H9Z';
const REWIND = 'M8 2.5v11L1 8Zm7 0v11L8 8Z';
const BACK = 'M12 2.5v11L5 8ZM2.5 3H5v10H2.5Z';
const FORWARD = 'M4 2.5v11L11 8Zm7 .5h2.5v10H11Z';
const END = 'M1 2.5v11L7 8Zm6 0v11L13 8Zm6 .5h2v10h-2Z';
