/** A run: live charts while it goes on, then what it measured. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Api } from '../../api/client';
import { isString } from '../../api/guards';
import type { IConnection } from '../../connection/choose';
import type { Run } from '../../api/types';
import {
  formatDuration,
  formatMs,
  formatNumber,
  formatRate
} from '../../format';
import { t } from '../../i18n';
import {
  Button,
  ConnectionBanner,
  Facts,
  Note,
  Problem,
  StateWord
} from '../components';
import {
  useAction,
  useKeyboardKept,
  useRedraw,
  useSession,
  useUniqueId,
  useVisible,
  type IViewProps
} from '../hooks';
import type { ViewModel } from '../model';
import type { IStateWord } from '../states';
import { Charts } from './Charts';
import { Summary } from './Summary';
import { RunState, storedRun } from './state';
import { thinned } from './ticks';

/** Ticks a snapshot keeps: what a chart of a notebook's width can show. */
const MOST_TICKS = 600;
/** How long Python has to keep the result itself before the view does. */
const KEEP_MS = 1500;

export function RunView({ model, connection }: IViewProps): JSX.Element {
  const { props } = model;
  const runId = isString(props.raw['run']) ? props.raw['run'] : '';
  const root = useRef<HTMLDivElement>(null);
  const sync = useUniqueId();
  useKeyboardKept(root, () => root.current); // Stop goes when the run has ended
  const visible = useVisible(root);
  const redraw = useRedraw();
  const state = useRef<RunState | null>(null);
  state.current ??= new RunState(storedRun(model.snapshot('run')));
  const current = state.current;
  const action = useAction();
  const following = !current.run || current.run.state === 'running';

  const { link, reload } = useSession(
    connection,
    props.environment,
    visible && following && runId !== '',
    {
      onEnvironment: status => {
        const wanted = props.raw['services'];
        current.watch(
          Array.isArray(wanted) && wanted.length > 0
            ? wanted.filter(isString)
            : status.services.map(({ name }) => name)
        );
      },
      load: async api => {
        current.load(await api.run(props.environment, runId));
        redraw();
      },
      onEvents: events => {
        current.advance(events);
        redraw();
      }
    }
  );

  useEffect(
    () =>
      model.onSnapshot(() => {
        const kept = storedRun(model.snapshot('run'));
        if (kept && kept.state !== 'running') {
          current.end(kept);
          redraw();
        }
      }),
    [model]
  );

  const ended = current.run !== null && current.run.state !== 'running';
  useEffect(() => {
    const kept = (): boolean =>
      Boolean(storedRun(model.snapshot('run'))?.summary);
    if (!ended || !connection || kept()) {
      return;
    }
    const timer = setTimeout(() => {
      if (!kept()) {
        keep(connection, model, runId).catch(() => undefined); // the control plane has it anyway
      }
    }, KEEP_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [ended, connection]);

  const { run, ticks } = current;
  const running = run?.state === 'running';
  const profile =
    run?.profile ??
    (isString(props.raw['profile']) ? props.raw['profile'] : '');
  const stop = (): void => {
    if (connection) {
      action.run('stop', async () => {
        await new Api(connection.transport).stopRun(props.environment, runId);
      });
    }
  };

  return (
    <div ref={root} tabIndex={-1} class="sd-card sd-run">
      <div class="sd-head">
        <StateWord {...runWord(run)} />
        <span class="sd-title">{t('Load: {profile}', { profile })}</span>
        {run && (
          <span class="sd-sub">
            {run.scale === 1
              ? t('seed {seed}', { seed: run.seed })
              : t('seed {seed}, {scale} times the traffic', {
                  seed: run.seed,
                  scale: run.scale
                })}
          </span>
        )}
        {running && (
          <span class="sd-actions">
            <Button
              onClick={stop}
              busy={action.busy === 'stop'}
              disabled={!connection}
            >
              {t('Stop')}
            </Button>
          </span>
        )}
      </div>
      {following && <ConnectionBanner link={link} onRetry={reload} />}
      {link.state === 'failed' && following && (
        <Problem problem={link.problem} onRetry={reload} />
      )}
      {action.problem && <Problem problem={action.problem} />}
      {run?.state === 'failed' && (
        <Note look="bad" title={t('The run failed')} alert>
          <span class="sd-reason">{run.reason}</span>
        </Note>
      )}
      {running && (
        <Facts
          facts={[
            {
              name: t('Running for'),
              value: formatDuration(ticks.latest?.t_s ?? 0)
            },
            { name: t('Done'), value: formatNumber(ticks.total.done) },
            { name: t('Now'), value: formatRate(ticks.latest?.rps) },
            { name: t('p95 now'), value: formatMs(ticks.latest?.p95_ms) },
            {
              name: t('Waiting for an answer'),
              value: formatNumber(ticks.latest?.in_flight)
            },
            {
              name: t('Errors'),
              value: formatNumber(ticks.total.errors),
              look: ticks.total.errors > 0 ? 'bad' : undefined
            }
          ]}
        />
      )}
      {run?.summary && <Summary summary={run.summary} />}
      <Charts
        sync={`sd-run-${sync}`}
        charts={{
          throughput: ticks.throughput(),
          latency: ticks.latency(),
          lag: ticks.lag(),
          cpu: { services: current.cpu.names, data: current.cpu.data() }
        }}
      />
      <span class="sd-hidden" role="status">
        {ended ? t('The run of {profile} has ended.', { profile }) : ''}
      </span>
    </div>
  );
}

/** Put the finished run into the model, so that it is drawn at once the next time. */
async function keep(
  connection: IConnection,
  model: ViewModel,
  runId: string
): Promise<void> {
  const api = new Api(connection.transport);
  const run = await api.run(model.props.environment, runId);
  model.save({ run: { ...run, ticks: thinned(run.ticks, MOST_TICKS) } });
}

function runWord(run: Run | null): IStateWord {
  switch (run?.state) {
    case undefined:
      return { look: 'busy', word: t('Connecting') };
    case 'running':
      return { look: 'busy', word: t('Running') };
    case 'done':
      return { look: 'ok', word: t('Done') };
    case 'stopped':
      return { look: 'off', word: t('Stopped early') };
    case 'failed':
      return { look: 'bad', word: t('Failed') };
  }
}
