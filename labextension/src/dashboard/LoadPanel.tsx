/** Put load on the system: a profile, or a shape of one's own. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Api } from '../api/client';
import type { Run } from '../api/types';
import type { IConnection } from '../connection/choose';
import { formatDuration, formatMs, formatNumber, formatRate } from '../format';
import { t } from '../i18n';
import { Button, Facts, Note, Problem, Progress } from '../widget/components';
import { useAction, useUniqueId } from '../widget/hooks';
import { useLive } from './live';
import { RunHistory } from './RunHistory';
import {
  customOf,
  shapeOf,
  shapeProblems,
  totalSeconds,
  type IShape,
  type IProfileDocument
} from './shape';
import { Outline, ShapeForm } from './ShapeForm';
import type { DashboardState } from './state';

const LARGEST_SEED = 2 ** 53;

export function LoadPanel(props: {
  state: DashboardState;
  connection: IConnection | null;
  environment: string;
  up: boolean;
  onChange: () => void;
}): JSX.Element {
  const { state, connection, environment, up } = props;
  const { profiles, running } = state;
  const names = Object.keys(profiles);
  const [chosen, setChosen] = useState('');
  const name = profiles[chosen] ? chosen : (names[0] ?? '');
  const base = profiles[name];
  const [own, setOwn] = useState<{ of: string; shape: IShape } | null>(null);
  const [seed, setSeed] = useState('1');
  const action = useAction();
  const id = useUniqueId();
  if (!base) {
    return (
      <div class="sd-muted">
        {state.status
          ? t(
              'This environment has no load.yaml, so there is no traffic for it.'
            )
          : t('Start the environment to put load on it.')}
      </div>
    );
  }
  const shape = own?.of === name ? own.shape : null;
  const problems = shape ? shapeProblems(shape) : {};
  const seedWrong =
    !/^\d{1,16}$/.test(seed.trim()) || Number(seed) >= LARGEST_SEED;
  const wrong = Object.keys(problems).length > 0 || seedWrong;
  const act = (what: string, work: (api: Api) => Promise<void>): void => {
    if (connection) {
      action.run(what, async () => {
        await work(new Api(connection.transport));
        props.onChange();
      });
    }
  };
  const run = (): void => {
    act('run', async api => {
      state.began(
        await api.startRun(environment, {
          seed: Number(seed),
          ...(shape ? { custom: customOf(base, shape) } : { profile: name })
        })
      );
    });
  };
  return (
    <div class="sd-load">
      <div class="sd-form-row">
        <label for={`${id}-profile`}>{t('Profile')}</label>
        <select
          id={`${id}-profile`}
          value={name}
          onChange={event => {
            setChosen(event.currentTarget.value);
          }}
        >
          {names.map(each => (
            <option key={each} value={each}>
              {each}
            </option>
          ))}
        </select>
      </div>
      {base.description && <div class="sd-muted">{base.description}</div>}
      <Outline shape={shape ?? shapeOf(base)} />
      {shape && (
        <ShapeForm
          shape={shape}
          problems={problems}
          onChange={next => {
            setOwn({ of: name, shape: next });
          }}
        />
      )}
      <div class="sd-load-foot">
        <label class="sd-field" for={`${id}-seed`}>
          {t('Seed')}
          <input
            id={`${id}-seed`}
            type="text"
            inputMode="numeric"
            class="sd-seed"
            value={seed}
            aria-invalid={seedWrong}
            title={t(
              'The same seed sends the same requests in the same order.'
            )}
            onInput={event => {
              setSeed(event.currentTarget.value);
            }}
          />
        </label>
        <span class="sd-actions">
          <Button
            pressed={shape !== null}
            onClick={() => {
              setOwn(shape ? null : { of: name, shape: shapeOf(base) });
            }}
          >
            {t('Shape it')}
          </Button>
          {running ? (
            <Button
              onClick={() => {
                act('stop', async api => {
                  await api.stopRun(environment, running.id);
                });
              }}
              turns
              busy={action.busy === 'stop'}
              danger
            >
              {t('Stop the load')}
            </Button>
          ) : (
            <Button
              onClick={run}
              turns
              primary
              busy={action.busy === 'run'}
              disabled={!up || wrong || connection === null}
            >
              {t('Run')}
            </Button>
          )}
        </span>
      </div>
      {seedWrong && (
        <div class="sd-missing">
          {t('A seed is a whole number of 0 or more.')}
        </div>
      )}
      {!up && !running && (
        <div class="sd-muted">
          {t('Start the environment to put load on it.')}
        </div>
      )}
      {action.problem && <Problem problem={action.problem} />}
      {running && (
        <Going
          run={running}
          state={state}
          profile={profiles[running.profile]}
        />
      )}
      {state.runs[0]?.state === 'failed' && (
        <Note look="bad" title={t('The run failed')} alert>
          <span class="sd-reason">{state.runs[0].reason}</span>
        </Note>
      )}
      <RunHistory
        runs={state.runs.filter(each => each.state !== 'running')}
        connection={connection}
        environment={environment}
      />
    </div>
  );
}

function Going(props: {
  run: Run;
  state: DashboardState;
  profile: IProfileDocument | undefined;
}): JSX.Element {
  const { run, state, profile } = props;
  const { clients } = state;
  const tick = useLive(state.ticked, () =>
    clients.latest?.run === run.id ? clients.latest : null
  );
  const total = profile ? totalSeconds(shapeOf(profile)) : 0;
  const passed = tick?.t_s ?? 0;
  return (
    <div class="sd-going">
      {total > 0 ? (
        <Progress
          label={t('Running {profile}', { profile: run.profile })}
          done={Math.min(1, passed / total)}
          detail={formatDuration(passed)}
        />
      ) : (
        <div>
          {t('Running {profile} for {time}', {
            profile: run.profile,
            time: formatDuration(passed)
          })}
        </div>
      )}
      <Facts
        facts={[
          { name: t('Now'), value: formatRate(tick?.rps) },
          { name: t('p95 now'), value: formatMs(tick?.p95_ms) },
          { name: t('Waiting'), value: formatNumber(tick?.in_flight) },
          {
            name: t('Errors'),
            value: formatNumber(tick ? clients.failed : 0),
            look: tick && clients.failed > 0 ? 'bad' : undefined
          }
        ]}
      />
    </div>
  );
}
