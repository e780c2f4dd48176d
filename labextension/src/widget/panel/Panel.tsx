/** The control panel of an environment: its state, its services, and the buttons. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EnvironmentStatus } from '../../api/types';
import { isRecord, isString } from '../../api/guards';
import { Api } from '../../api/client';
import { formatBytes, formatClock } from '../../format';
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
import {
  useAction,
  useRedraw,
  useSession,
  useVisible,
  type IViewProps
} from '../hooks';
import { environmentWord, type IStateWord } from '../states';
import { Migrations } from './Migrations';
import { ServiceCard } from './ServiceCard';
import { advance, spoken, Usage, type IPanelState } from './state';

export function Panel({ model, connection }: IViewProps): JSX.Element {
  const { props } = model;
  const root = useRef<HTMLDivElement>(null);
  const visible = useVisible(root);
  const redraw = useRedraw();
  const usage = useRef(new Usage()).current;
  const state = useRef<IPanelState>({
    status: storedStatus(model.snapshot('status')),
    saved: null
  });
  const [message, setMessage] = useState(storedText(model.snapshot('message')));
  const [news, setNews] = useState('');
  const [confirming, setConfirming] = useState(false);
  const action = useAction();

  const update = (next: IPanelState): void => {
    const said = spoken(state.current.status, next.status);
    if (said) {
      setNews(said);
    }
    if (
      state.current.status?.state !== 'ready' &&
      next.status?.state === 'ready'
    ) {
      action.clear(); // whatever kept it from starting is over
    }
    state.current = next;
    redraw();
  };
  const { link, reload } = useSession(connection, props.environment, visible, {
    onEnvironment: status => {
      update({ ...state.current, status });
    },
    load: async api => {
      usage.load(await api.metrics(props.environment));
      redraw();
    },
    onEvents: events => {
      for (const event of events) {
        if (event.type === 'metric.sample') {
          usage.add(event.ts, event.data.values);
        }
      }
      update(advance(state.current, events));
    }
  });
  useEffect(() => {
    if (link.state === 'missing' && state.current.status) {
      update({ ...state.current, status: null });
    }
  }, [link]);

  const { status, saved } = state.current;
  const act = (name: string, work: (api: Api) => Promise<void>): void => {
    if (connection) {
      setMessage('');
      action.run(name, () => work(new Api(connection.transport)));
    }
  };
  const take = (changed: EnvironmentStatus): void => {
    update({ ...state.current, status: changed });
  };
  const start = (): void => {
    act('start', async api => {
      take(await api.create(props.workspace));
      if (link.state === 'missing') {
        reload();
      }
    });
  };

  const up = status?.state === 'ready' || status?.state === 'degraded';
  const atRest =
    !status || status.state === 'stopped' || status.state === 'failed';
  const known = status !== null || link.state === 'missing';
  const usable = connection !== null && known && link.state !== 'failed';
  const word: IStateWord = status
    ? environmentWord(status.state)
    : link.state === 'missing'
      ? { look: 'off', word: t('Not started yet') }
      : link.state === 'failed'
        ? { look: 'bad', word: t('Not connected') }
        : { look: 'busy', word: t('Connecting') };

  return (
    <div ref={root} class="sd-card sd-panel">
      <div class="sd-head">
        <StateWord {...word} />
        <span class="sd-title">{props.title || props.lesson}</span>
        {props.title && <span class="sd-sub">{props.lesson}</span>}
        <span class="sd-actions">
          {atRest ? (
            <Button
              onClick={start}
              primary
              busy={action.busy === 'start'}
              disabled={!usable}
            >
              {t('Start')}
            </Button>
          ) : (
            <Button
              onClick={() => {
                act('stop', async api => {
                  take(await api.stop(props.environment));
                });
              }}
              busy={action.busy === 'stop' || status.state === 'stopping'}
              disabled={!usable}
            >
              {t('Stop')}
            </Button>
          )}
          <Button
            onClick={() => {
              setConfirming(true);
            }}
            busy={action.busy === 'reset'}
            disabled={!usable || !status || (!up && !atRest) || confirming}
          >
            {t('Reset …')}
          </Button>
          {up && status.url && (
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
            act('reset', async api => {
              take(await api.reset(props.environment));
              setMessage(t('The original data is back.'));
            });
          }}
        />
      )}
      {link.state === 'failed' && (
        <Problem problem={link.problem} onRetry={reload} />
      )}
      {action.problem && <Problem problem={action.problem} />}
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
      {status && status.services.length > 0 && (
        <ul class="sd-services" aria-label={t('Services')}>
          {status.services.map(service => (
            <ServiceCard key={service.name} service={service} usage={usage} />
          ))}
        </ul>
      )}
      {status && (
        <Migrations
          migrations={status.migrations}
          canApply={usable && up}
          busy={action.busy === 'apply'}
          message={message}
          onApply={() => {
            act('apply', async api => {
              setMessage((await api.apply(props.environment)).message);
            });
          }}
        />
      )}
      {saved && (
        <div class="sd-muted sd-foot">
          {t('{file} saved at {time}', {
            file: saved.path,
            time: formatClock(saved.ts)
          })}
        </div>
      )}
      <span class="sd-hidden" role="status">
        {news}
      </span>
    </div>
  );
}

function storedStatus(value: unknown): EnvironmentStatus | null {
  // Written by Python of the same package from the same model.
  return isRecord(value) && Array.isArray(value['services'])
    ? (value as EnvironmentStatus)
    : null;
}

function storedText(value: unknown): string {
  return isString(value) ? value : '';
}
