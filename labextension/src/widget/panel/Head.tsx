/** An environment's state and its buttons, and below them whatever is wrong with it. */

import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { EnvironmentStatus } from '../../api/types';
import type { Link } from '../../connection/session';
import { formatBytes } from '../../format';
import { t } from '../../i18n';
import {
  Button,
  Confirm,
  ConnectionBanner,
  Note,
  Problem,
  Progress,
  StateWord
} from '../components';
import { useKeyboardKept } from '../hooks';
import type { IEnvironmentActions } from './actions';

export function Head(props: {
  title: string;
  sub: string;
  status: EnvironmentStatus | null;
  link: Link;
  reload: () => void;
  actions: IEnvironmentActions;
  /** What is asked before it is done; where nothing is said: a reset. */
  confirm?: { stop: boolean; reset: boolean };
  /** A reason that is told elsewhere already. */
  told?: string | undefined;
}): JSX.Element {
  const { status, link, reload, actions } = props;
  const { up, atRest, usable, busy } = actions;
  const confirm = props.confirm ?? { stop: false, reset: true };
  const [confirming, setConfirming] = useState<'stop' | 'reset' | null>(null);
  const root = useRef<HTMLDivElement>(null);
  // A button goes out with what it has begun; while something is asked, the question has it.
  useKeyboardKept(root, () => (confirming ? null : root.current));
  const repeated = Boolean(props.told && status?.reason.includes(props.told));
  const ask = (what: 'stop' | 'reset'): void => {
    if (confirm[what]) {
      setConfirming(what);
    } else {
      actions[what]();
    }
  };
  return (
    <>
      <div ref={root} class="sd-head" tabIndex={-1}>
        <StateWord {...actions.word} />
        <span class="sd-title">{props.title}</span>
        {props.sub && <span class="sd-sub">{props.sub}</span>}
        <span class="sd-actions">
          {atRest ? (
            <Button
              onClick={actions.start}
              turns
              primary
              busy={busy === 'start'}
              disabled={!usable}
            >
              {t('Start')}
            </Button>
          ) : (
            <Button
              onClick={() => {
                ask('stop');
              }}
              turns
              busy={busy === 'stop' || status?.state === 'stopping'}
              disabled={!usable}
            >
              {t('Stop')}
            </Button>
          )}
          <Button
            onClick={() => {
              ask('reset');
            }}
            busy={busy === 'reset'}
            disabled={
              !usable || !status || (!up && !atRest) || confirming !== null
            }
          >
            {confirm.reset ? t('Reset …') : t('Reset')}
          </Button>
          {up && status?.url && <App url={status.url} />}
        </span>
      </div>
      <ConnectionBanner link={link} onRetry={reload} />
      {confirming && (
        <Confirm
          question={
            confirming === 'reset'
              ? t(
                  'Reset puts the original data back: everything written to the database since is lost. Your files stay, and your migrations wait to be applied again.'
                )
              : t('Stop every service of this environment? Its data stays.')
          }
          yes={confirming === 'reset' ? t('Reset the data') : t('Stop')}
          danger={confirming === 'reset'}
          onNo={() => {
            setConfirming(null);
          }}
          onYes={() => {
            setConfirming(null);
            actions[confirming]();
          }}
        />
      )}
      {link.state === 'failed' && (
        <Problem problem={link.problem} onRetry={reload} />
      )}
      {actions.problem && <Problem problem={actions.problem} />}
      {status?.state === 'failed' && (
        <Note look="bad" title={t('The environment did not start')} alert>
          <span class="sd-reason">{status.reason}</span>
        </Note>
      )}
      {status?.state === 'degraded' && status.reason && !repeated && (
        <Note look="warn">{status.reason}</Note>
      )}
      {status?.progress && (
        <Progress
          label={status.progress.step}
          done={status.progress.done}
          {...(status.progress.bytes == null
            ? {}
            : { detail: formatBytes(status.progress.bytes) })}
        />
      )}
      {!status && link.state === 'missing' && (
        <div class="sd-muted">
          {t(
            'Start builds the system of this lesson on this machine: a real database and a real service. The first time takes longest.'
          )}
        </div>
      )}
    </>
  );
}

const HERE: readonly string[] = ['127.0.0.1', 'localhost', '[::1]'];

/** Where the app answers: on the machine of the lab alone, which the browser may not be on. */
function App({ url }: { url: string }): JSX.Element {
  return HERE.includes(location.hostname) ? (
    <a class="sd-link" href={url} target="_blank" rel="noopener">
      {t('Open the app')}
    </a>
  ) : (
    <span
      class="sd-code"
      title={t(
        'The app answers on the machine where the lab runs, for instance to curl in a terminal.'
      )}
    >
      {url}
    </span>
  );
}
