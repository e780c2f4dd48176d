/** What happened so far: as a list, and for those who hear it. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../i18n';
import { formatTime } from './spacetime';
import type { IStep } from './timeline';
import { headline } from './words';

/** The notable steps so far; each leads to its moment. */
export function Story(props: {
  steps: readonly IStep[];
  now: number;
  onGo: (step: number) => void;
}): JSX.Element {
  const list = useRef<HTMLOListElement>(null);
  const { length } = props.steps;
  useEffect(() => {
    if (list.current) {
      list.current.scrollTop = list.current.scrollHeight;
    }
  }, [length]);
  return (
    <div class="sd-sim-story">
      <div class="sd-section-title">{t('The story so far')}</div>
      {props.steps.length === 0 && (
        <div class="sd-muted">{t('Nothing of note yet.')}</div>
      )}
      <ol ref={list}>
        {props.steps.map(step => (
          <li key={step.index}>
            <button
              type="button"
              class={`sd-sim-moment ${step.index > props.now ? 'sd-sim-later' : ''}`}
              aria-current={step.index === props.now ? 'step' : undefined}
              onClick={() => {
                props.onGo(step.index);
              }}
            >
              <span class="sd-num">{formatTime(step.t)}</span> {headline(step)}
            </button>
          </li>
        ))}
      </ol>
    </div>
  );
}

/** For screen readers: each step when one goes by hand, only the notable ones while time passes. */
export function Spoken(props: {
  direction: number;
  words: string;
  notable: readonly IStep[];
  step: IStep;
}): JSX.Element {
  const { direction, words, notable, step } = props;
  const last = notable.findLast(({ index }) => index <= step.index);
  return (
    <div class="sd-hidden" role="status">
      {direction === 0 ? words : last ? headline(last) : ''}
    </div>
  );
}
