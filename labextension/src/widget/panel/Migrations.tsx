/** The learner's migrations: what is applied, what waits, and the button that applies it. */

import type { JSX } from 'preact';
import type { Migration } from '../../api/types';
import { t, tn } from '../../i18n';
import { Button, StateWord } from '../components';

export function Migrations(props: {
  migrations: readonly Migration[];
  canApply: boolean;
  busy: boolean;
  /** What the last application did. */
  message: string;
  onApply: () => void;
}): JSX.Element | null {
  const { migrations } = props;
  if (migrations.length === 0 && !props.message) {
    return null;
  }
  const waiting = migrations.filter(({ state }) => state !== 'applied');
  const changed = migrations.filter(
    ({ state }) => state === 'changed' || state === 'removed'
  );
  return (
    <section class="sd-section" aria-label={t('Migrations')}>
      <div class="sd-section-head">
        <span class="sd-section-title">{t('Migrations')}</span>
        <span class="sd-muted">
          {waiting.length === 0
            ? t('all applied')
            : tn('{count} to apply', '{count} to apply', waiting.length)}
        </span>
        {(waiting.length > 0 || props.busy) && (
          <Button
            onClick={props.onApply}
            disabled={!props.canApply}
            busy={props.busy}
            primary
          >
            {t('Apply migrations')}
          </Button>
        )}
      </div>
      <ul class="sd-migrations">
        {migrations.map(({ name, state }) => (
          <li key={name}>
            <span class="sd-code">{name}</span>
            <StateWord {...migrationWord(state)} />
          </li>
        ))}
      </ul>
      {changed.length > 0 && (
        <div class="sd-muted">
          {t(
            'A file that was applied has changed or is gone. Applying restores the pristine data first and replays every file.'
          )}
        </div>
      )}
      {waiting.length > 0 && !props.canApply && !props.busy && (
        <div class="sd-muted">{t('Start the environment to apply them.')}</div>
      )}
      <div role="status" class="sd-message">
        {props.message}
      </div>
    </section>
  );
}

function migrationWord(state: string): {
  look: 'ok' | 'off' | 'warn';
  word: string;
} {
  switch (state) {
    case 'applied':
      return { look: 'ok', word: t('Applied') };
    case 'changed':
      return { look: 'warn', word: t('Changed since') };
    case 'removed':
      return { look: 'warn', word: t('Applied, but its file is gone') };
    default:
      return { look: 'off', word: t('Not applied yet') };
  }
}
