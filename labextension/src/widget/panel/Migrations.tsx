/** What the learner saved: migrations and files that wait, and the button that applies them. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { Migration } from '../../api/types';
import { t, tn } from '../../i18n';
import { Button, StateWord } from '../components';
import { useKeyboardKept } from '../hooks';

export function Migrations(props: {
  migrations: readonly Migration[];
  /** Files that describe the system, saved and not in effect yet. */
  pending: readonly string[];
  canApply: boolean;
  busy: boolean;
  /** What the last application did. */
  message: string;
  onApply: () => void;
}): JSX.Element | null {
  const { migrations, pending } = props;
  const root = useRef<HTMLElement>(null);
  const message = useRef<HTMLDivElement>(null);
  useKeyboardKept(root, () => message.current);
  if (
    migrations.length === 0 &&
    pending.length === 0 &&
    !props.message &&
    !props.busy
  ) {
    return null;
  }
  const waiting =
    migrations.filter(({ state }) => state !== 'applied').length +
    pending.length;
  const changed = migrations.filter(
    ({ state }) => state === 'changed' || state === 'removed'
  );
  const onlyMigrations = migrations.length > 0 && pending.length === 0;
  const title = onlyMigrations ? t('Migrations') : t('Changes');
  return (
    <section ref={root} class="sd-section" aria-label={title}>
      <div class="sd-section-head">
        <span class="sd-section-title">{title}</span>
        <span class="sd-muted">
          {waiting === 0
            ? t('all applied')
            : tn('{count} to apply', '{count} to apply', waiting)}
        </span>
        {(waiting > 0 || props.busy) && (
          <Button
            onClick={props.onApply}
            disabled={!props.canApply}
            busy={props.busy}
            primary
          >
            {onlyMigrations ? t('Apply migrations') : t('Apply changes')}
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
        {pending.map(name => (
          <li key={name}>
            <span class="sd-code">{name}</span>
            <StateWord look="off" word={t('Saved, not applied yet')} />
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
      {pending.length > 0 && (
        <div class="sd-muted">
          {t(
            'These files take effect together. Only the services that they change are restarted.'
          )}
        </div>
      )}
      {waiting > 0 && !props.canApply && !props.busy && (
        <div class="sd-muted">{t('Start the environment to apply them.')}</div>
      )}
      <div ref={message} role="status" class="sd-message" tabIndex={-1}>
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
