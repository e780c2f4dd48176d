/** Says in place what is wrong with the connection, what to do, and when it is well again. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Health, IEnvironments } from '../tokens';
import { Button, Problem } from '../widget/components';
import { useKeyboardKept } from '../widget/hooks';

const BACK_MS = 4000;

export function HealthNote({
  environments
}: {
  environments: IEnvironments;
}): JSX.Element {
  const { health } = environments;
  const back = useBack(health);
  const root = useRef<HTMLDivElement>(null);
  useKeyboardKept(root, () => root.current); // the button goes when it has worked
  const retry = (): void => {
    void environments.refresh();
  };
  const problem = health.state === 'trouble' ? health.problem : null;
  if (problem && !problem.transient) {
    // In the same place, which has the keyboard when this goes.
    return (
      <div ref={root} class="sd-health" tabIndex={-1}>
        <Problem problem={problem} onRetry={retry} />
      </div>
    );
  }
  return (
    <div ref={root} class="sd-health" role="status" tabIndex={-1}>
      {problem && (
        <div class="sd-note sd-note-warn">
          <div class="sd-health-text">
            <span class="sd-spinner" aria-hidden="true" />
            <span>{problem.message}</span>
          </div>
          <div class="sd-hint">
            {problem.hint}{' '}
            {environments.lessons.length > 0 &&
              t('Until then you see the last known state.')}
          </div>
          <div class="sd-note-actions">
            <Button onClick={retry}>{t('Try now')}</Button>
          </div>
        </div>
      )}
      {back && (
        <div class="sd-banner-line sd-banner-ok">{t('Connected again.')}</div>
      )}
    </div>
  );
}

/** Whether trouble ended only a moment ago. */
function useBack({ state }: Health): boolean {
  const [troubled, setTroubled] = useState(false);
  const [back, setBack] = useState(false);
  useEffect(() => {
    if (state === 'trouble') {
      setTroubled(true);
      setBack(false);
    } else if (troubled && state === 'ok') {
      setTroubled(false);
      setBack(true);
      const timer = setTimeout(() => {
        setBack(false);
      }, BACK_MS);
      return () => {
        clearTimeout(timer);
      };
    }
    return undefined;
  }, [state]);
  return back;
}
