/** What happened lately, in words: the marks of the charts, newest first. */

import type { JSX } from 'preact';
import { formatClock, formatDuration } from '../format';
import { t } from '../i18n';
import type { IMark } from './timeline';

const MOST = 30;

export function Happenings(props: { marks: readonly IMark[] }): JSX.Element {
  const marks = [...props.marks].reverse().slice(0, MOST);
  return marks.length === 0 ? (
    <div class="sd-muted">
      {t(
        'Runs, faults, saved files and checks are noted here and in the charts.'
      )}
    </div>
  ) : (
    <ol class="sd-happenings" aria-label={t('What happened, newest first')}>
      {marks.map(({ id, kind, label, from, to }) => (
        <li key={id} class={`sd-happening sd-happening-${kind}`}>
          <span class="sd-num sd-muted">{formatClock(from)}</span>
          <span>{label}</span>
          <span class="sd-num sd-muted">
            {to === null
              ? t('goes on')
              : to > from
                ? formatDuration(to - from)
                : ''}
          </span>
        </li>
      ))}
    </ol>
  );
}
