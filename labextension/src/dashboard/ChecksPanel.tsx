/** Is it fixed? Runs the checks and shows each result as it comes. */

import type { JSX } from 'preact';
import { Api } from '../api/client';
import type { IConnection } from '../connection/choose';
import { t } from '../i18n';
import { Button, Note, Problem } from '../widget/components';
import { useAction } from '../widget/hooks';
import { DriftNote, Headline, Results } from '../widget/verdict/Results';
import { outstanding } from '../widget/verdict/state';
import type { DashboardState } from './state';

export function ChecksPanel(props: {
  state: DashboardState;
  connection: IConnection | null;
  environment: string;
  onChange: () => void;
}): JSX.Element {
  const { state, connection } = props;
  const action = useAction();
  const { verdict } = state.verdict;
  const checking = state.checking || action.busy !== null;
  const expected = state.declared.map(id => ({ id, title: spelled(id) }));
  const waiting = checking ? outstanding(expected, state.verdict) : [];
  const check = (): void => {
    if (!connection) {
      return;
    }
    const before = state.verdict;
    state.beginCheck();
    props.onChange();
    action.run('check', async () => {
      try {
        await new Api(connection.transport).check(props.environment);
      } catch (error) {
        if (state.verdict.results.length === 0) {
          state.verdict = before;
          state.checking = false;
        }
        throw error;
      } finally {
        props.onChange();
      }
    });
  };
  return (
    <div class="sd-checks-panel">
      <div class="sd-muted">
        {t(
          'A check builds a fresh system from your files and puts traffic on it that it has not seen.'
        )}
      </div>
      <div class="sd-actions sd-actions-left">
        <Button
          onClick={check}
          primary
          busy={checking}
          disabled={connection === null || !state.status}
        >
          {checking ? t('Checking') : t('Check my fix')}
        </Button>
      </div>
      {action.problem && <Problem problem={action.problem} />}
      {(checking || verdict) && (
        <Headline
          verdict={checking ? null : verdict}
          state={state.verdict}
          expected={expected}
        />
      )}
      {!checking && verdict?.status === 'unknown' && verdict.reason && (
        <Note look="warn" title={t('It could not be checked')}>
          {verdict.reason}
        </Note>
      )}
      {(state.verdict.results.length > 0 || waiting.length > 0) && (
        <Results results={state.verdict.results} waiting={waiting} />
      )}
      {!checking && verdict?.drift?.drifted && (
        <DriftNote drift={verdict.drift} />
      )}
    </div>
  );
}

/** The id of a check as words, until its result brings its title. */
function spelled(id: string): string {
  const words = id.replaceAll(/[-_]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
