/** The list behind the status bar: what runs, what it takes, one click to stop it. */

import type { CommandRegistry } from '@lumino/commands';
import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import type { EnvironmentStatus } from '../api/types';
import { CommandIDs } from '../commands';
import { HealthNote } from '../environments/HealthNote';
import { formatBytes } from '../format';
import { t } from '../i18n';
import type { IEnvironments, ISysdesignSettings } from '../tokens';
import { Button, Note, Problem, StateWord } from '../widget/components';
import { useAction, useKeyboardKept } from '../widget/hooks';
import { environmentWord } from '../widget/states';
import { isLow, usedBytes } from './memory';

export function Running(props: {
  environments: IEnvironments;
  settings: ISysdesignSettings;
  commands: CommandRegistry;
}): JSX.Element {
  const { environments, settings, commands } = props;
  const { running, machine } = environments;
  const root = useRef<HTMLDivElement>(null);
  // A button that was pressed goes with its environment; the keyboard stays here all the same.
  useKeyboardKept(root, () =>
    root.current?.closest<HTMLElement>('[role="dialog"]')
  );
  return (
    <div ref={root} class="sd-running">
      <h2 class="sd-running-title">{t('Running environments')}</h2>
      <HealthNote environments={environments} />
      {isLow(machine, settings.memoryWarning) && machine && (
        <Note
          look="warn"
          title={t('Memory is running out')}
          hint={t('Stop an environment, or a kernel you do not need.')}
        >
          {t('{available} of {total} are left on this machine.', {
            available: formatBytes(machine.available_bytes),
            total: formatBytes(machine.memory_bytes)
          })}
        </Note>
      )}
      {running.length === 0 ? (
        <div class="sd-muted">{t('No environment is running.')}</div>
      ) : (
        <ul class="sd-running-list">
          {running.map(environment => (
            <One
              key={environment.id}
              environment={environment}
              title={environments.title(environment.lesson)}
              bytes={machine?.environments[environment.id] ?? null}
              commands={commands}
            />
          ))}
        </ul>
      )}
      {machine && <Memory machine={machine} />}
    </div>
  );
}

function One(props: {
  environment: EnvironmentStatus;
  title: string;
  bytes: number | null;
  commands: CommandRegistry;
}): JSX.Element {
  const { environment, commands } = props;
  const action = useAction();
  const dashboards = commands.hasCommand(CommandIDs.openDashboard);
  return (
    <li class="sd-running-one">
      <div class="sd-running-line">
        <span class="sd-running-name">{props.title}</span>
        <StateWord {...environmentWord(environment.state)} />
        <span class="sd-running-bytes sd-num sd-muted">
          {props.bytes ? formatBytes(props.bytes) : ''}
        </span>
      </div>
      <div class="sd-actions sd-actions-left">
        <Button
          busy={action.busy === 'stop' || environment.state === 'stopping'}
          label={t('Stop {title}', { title: props.title })}
          onClick={() => {
            action.run('stop', async () => {
              await commands.execute(CommandIDs.stopEnvironment, {
                workspace: environment.id
              });
            });
          }}
        >
          {t('Stop')}
        </Button>
        {dashboards && (
          <Button
            label={t('Dashboard of {title}', { title: props.title })}
            onClick={() => {
              action.run('dashboard', async () => {
                await commands.execute(CommandIDs.openDashboard, {
                  environment: environment.id
                });
              });
            }}
          >
            {t('Dashboard')}
          </Button>
        )}
      </div>
      {action.problem && <Problem problem={action.problem} />}
    </li>
  );
}

/** The machine's memory: environments, everything else, what is left. */
function Memory({
  machine
}: {
  machine: NonNullable<IEnvironments['machine']>;
}): JSX.Element {
  const { memory_bytes: total, available_bytes: left } = machine;
  const ours = usedBytes(machine);
  const others = Math.max(total - left - ours, 0);
  const percent = (bytes: number): string => `${(100 * bytes) / total}%`;
  const text = t('{ours} environments · {available} of {total} left', {
    ours: formatBytes(ours),
    available: formatBytes(left),
    total: formatBytes(total)
  });
  return (
    <div class="sd-memory">
      <div
        class="sd-memory-bar"
        role="img"
        aria-label={t('Memory: {text}', { text })}
      >
        <span class="sd-memory-ours" style={{ width: percent(ours) }} />
        <span class="sd-memory-others" style={{ width: percent(others) }} />
      </div>
      <div class="sd-muted sd-num" aria-hidden="true">
        {text}
      </div>
    </div>
  );
}
