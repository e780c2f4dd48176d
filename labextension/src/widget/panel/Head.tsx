/** An environment's state and its buttons, and below them whatever is wrong with it. */

import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
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
import type { IEnvironmentActions } from './actions';

export function Head(props: {
  title: string;
  sub: string;
  status: EnvironmentStatus | null;
  link: Link;
  reload: () => void;
  actions: IEnvironmentActions;
  /** More buttons. */
  children?: ComponentChildren;
}): JSX.Element {
  const { status, link, reload, actions } = props;
  const { up, atRest, usable, busy } = actions;
  const [confirming, setConfirming] = useState(false);
  return (
    <>
      <div class="sd-head">
        <StateWord {...actions.word} />
        <span class="sd-title">{props.title}</span>
        {props.sub && <span class="sd-sub">{props.sub}</span>}
        <span class="sd-actions">
          {atRest ? (
            <Button
              onClick={actions.start}
              primary
              busy={busy === 'start'}
              disabled={!usable}
            >
              {t('Start')}
            </Button>
          ) : (
            <Button
              onClick={actions.stop}
              busy={busy === 'stop' || status?.state === 'stopping'}
              disabled={!usable}
            >
              {t('Stop')}
            </Button>
          )}
          <Button
            onClick={() => {
              setConfirming(true);
            }}
            busy={busy === 'reset'}
            disabled={!usable || !status || (!up && !atRest) || confirming}
          >
            {t('Reset …')}
          </Button>
          {props.children}
          {up && status?.url && (
            <a class="sd-link" href={status.url} target="_blank" rel="noopener">
              {t('Open the app')}
            </a>
          )}
        </span>
      </div>
      <ConnectionBanner link={link} onRetry={reload} />
      {confirming && (
        <Confirm
          question={t(
            'Reset puts the original data back: everything written to the database since is lost. Your files stay, and your migrations wait to be applied again.'
          )}
          yes={t('Reset the data')}
          danger
          onNo={() => {
            setConfirming(false);
          }}
          onYes={() => {
            setConfirming(false);
            actions.reset();
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
      {status?.state === 'degraded' && status.reason && (
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
