/** A traffic shape: what it looks like over time, and the fields that change it. */

import type { JSX } from 'preact';
import { formatDuration, formatNumber, formatShare } from '../format';
import { t } from '../i18n';
import { Button } from '../widget/components';
import { useUniqueId } from '../widget/hooks';
import {
  LIMITS,
  outline,
  shares,
  totalSeconds,
  withMode,
  type IShape,
  type IStage
} from './shape';

export function ShapeForm(props: {
  shape: IShape;
  problems: Readonly<Record<string, string>>;
  onChange: (shape: IShape) => void;
}): JSX.Element {
  const { shape, problems, onChange } = props;
  const id = useUniqueId();
  const parts = shares(shape);
  const unit = shape.mode === 'closed' ? t('Clients') : t('Requests/s');
  const put = (index: number, change: Partial<IStage>): void => {
    onChange({
      ...shape,
      stages: shape.stages.map((stage, at) =>
        at === index ? { ...stage, ...change } : stage
      )
    });
  };
  return (
    <div class="sd-shape">
      <fieldset class="sd-shape-mode">
        <legend class="sd-hidden">{t('Kind of load')}</legend>
        <Choice
          name={`${id}-mode`}
          checked={shape.mode === 'closed'}
          onPick={() => {
            onChange(withMode(shape, 'closed'));
          }}
          title={t('Closed loop')}
          text={t('each client waits for its answer')}
        />
        <Choice
          name={`${id}-mode`}
          checked={shape.mode === 'open'}
          onPick={() => {
            onChange(withMode(shape, 'open'));
          }}
          title={t('Open loop')}
          text={t('requests come whether or not it keeps up')}
        />
      </fieldset>
      {shape.mode === 'open' && (
        <div class="sd-form-row">
          <label for={`${id}-arrivals`}>{t('Arrivals')}</label>
          <select
            id={`${id}-arrivals`}
            value={shape.arrivals}
            onChange={event => {
              onChange({
                ...shape,
                arrivals:
                  event.currentTarget.value === 'poisson'
                    ? 'poisson'
                    : 'constant'
              });
            }}
          >
            <option value="constant">{t('constant, like a clock')}</option>
            <option value="poisson">{t('Poisson, like many people')}</option>
          </select>
        </div>
      )}
      <table class="sd-table sd-stages">
        <thead>
          <tr>
            <th scope="col">{t('Stage')}</th>
            <th scope="col">{t('Seconds')}</th>
            <th scope="col">{unit}</th>
            <th scope="col">{t('Ramp')}</th>
            <th scope="col">
              <span class="sd-hidden">{t('Remove')}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shape.stages.map((stage, index) => (
            <tr key={index}>
              <th scope="row">{index + 1}</th>
              <td>
                <Number
                  label={t('Seconds of stage {stage}', { stage: index + 1 })}
                  text={stage.seconds}
                  problem={problems[`seconds ${index}`]}
                  onInput={seconds => {
                    put(index, { seconds });
                  }}
                />
              </td>
              <td>
                <Number
                  label={t('{unit} of stage {stage}', {
                    unit,
                    stage: index + 1
                  })}
                  text={stage.level}
                  problem={problems[`level ${index}`]}
                  onInput={level => {
                    put(index, { level });
                  }}
                />
              </td>
              <td>
                <input
                  type="checkbox"
                  checked={stage.ramp}
                  aria-label={t('Ramp up to stage {stage}', {
                    stage: index + 1
                  })}
                  onChange={event => {
                    put(index, { ramp: event.currentTarget.checked });
                  }}
                />
              </td>
              <td>
                <Button
                  disabled={shape.stages.length === 1}
                  label={t('Remove stage {stage}', { stage: index + 1 })}
                  onClick={() => {
                    onChange({
                      ...shape,
                      stages: shape.stages.filter((_, at) => at !== index)
                    });
                  }}
                >
                  ×
                </Button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div class="sd-actions sd-actions-left">
        <Button
          disabled={shape.stages.length >= LIMITS.stages}
          onClick={() => {
            const last = shape.stages.at(-1);
            onChange({
              ...shape,
              stages: [
                ...shape.stages,
                last ?? { seconds: '10', level: '10', ramp: false }
              ]
            });
          }}
        >
          {t('Add a stage')}
        </Button>
        <span class="sd-muted">
          {t('{time} in all', { time: formatDuration(totalSeconds(shape)) })}
        </span>
      </div>
      <fieldset class="sd-mix">
        <legend>{t('Mix')}</legend>
        {Object.entries(shape.mix).map(([name, weight]) => (
          <div key={name} class="sd-mix-row">
            <label for={`${id}-mix-${name}`}>{name}</label>
            <input
              id={`${id}-mix-${name}`}
              type="text"
              inputMode="decimal"
              class="sd-number"
              value={weight}
              aria-invalid={problems[`mix ${name}`] !== undefined}
              title={problems[`mix ${name}`]}
              onInput={event => {
                onChange({
                  ...shape,
                  mix: { ...shape.mix, [name]: event.currentTarget.value }
                });
              }}
            />
            <span class="sd-meter-track" aria-hidden="true">
              <span
                class="sd-meter-bar sd-meter-free"
                style={{ width: `${(parts[name] ?? 0) * 100}%` }}
              />
            </span>
            <span class="sd-num sd-muted">{formatShare(parts[name])}</span>
          </div>
        ))}
      </fieldset>
      <ul class="sd-missing sd-problems" role="status">
        {[...new Set(Object.values(problems))].map(problem => (
          <li key={problem}>{problem}</li>
        ))}
      </ul>
    </div>
  );
}

function Choice(props: {
  name: string;
  checked: boolean;
  onPick: () => void;
  title: string;
  text: string;
}): JSX.Element {
  return (
    <label class="sd-option">
      <input
        type="radio"
        name={props.name}
        checked={props.checked}
        onChange={props.onPick}
      />
      <span class="sd-option-text">
        {props.title} <span class="sd-muted">{props.text}</span>
      </span>
    </label>
  );
}

function Number(props: {
  label: string;
  text: string;
  problem: string | undefined;
  onInput: (text: string) => void;
}): JSX.Element {
  return (
    <input
      type="text"
      inputMode="decimal"
      class="sd-number"
      aria-label={props.label}
      aria-invalid={props.problem !== undefined}
      title={props.problem}
      value={props.text}
      onInput={event => {
        props.onInput(event.currentTarget.value);
      }}
    />
  );
}

const WIDTH = 300;
const HEIGHT = 56;
const PAD = 3;

/** The level over time, drawn and said. */
export function Outline({ shape }: { shape: IShape }): JSX.Element {
  const corners = outline(shape);
  const total = Math.max(totalSeconds(shape), 0.001);
  const top = Math.max(1, ...corners.map(([, level]) => level));
  const x = (seconds: number): number => (seconds / total) * WIDTH;
  const y = (level: number): number =>
    HEIGHT - PAD - (level / top) * (HEIGHT - 2 * PAD);
  const line = corners.map(([at, level]) => `${x(at)},${y(level)}`).join(' ');
  const said =
    shape.mode === 'closed'
      ? t('up to {level} clients, {time}', {
          level: formatNumber(top),
          time: formatDuration(total)
        })
      : t('up to {level} requests per second, {time}', {
          level: formatNumber(top),
          time: formatDuration(total)
        });
  return (
    <figure class="sd-outline">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
      >
        <polygon points={`0,${HEIGHT} ${line} ${WIDTH},${HEIGHT}`} />
        <polyline points={line} vector-effect="non-scaling-stroke" />
      </svg>
      <figcaption class="sd-muted">{said}</figcaption>
    </figure>
  );
}
