/** What a lesson's notebook shows of its environment, and the buttons for it. */

import type { CommandRegistry } from '@lumino/commands';
import type { JSX } from 'preact';
import type { WorkspaceDetail } from '../api/types';
import { CommandIDs } from '../commands';
import { HealthNote } from '../environments/HealthNote';
import { isRunning } from '../environments/registry';
import { t } from '../i18n';
import { progressFigures, progressOf } from '../lessons/progress';
import type { IEnvironments } from '../tokens';
import {
  Button,
  Note,
  Problem,
  Progress,
  StateWord
} from '../widget/components';
import { useAction, useOver } from '../widget/hooks';
import { environmentWord } from '../widget/states';

export function Bar(props: {
  workspace: WorkspaceDetail;
  environments: IEnvironments;
  commands: CommandRegistry;
}): JSX.Element {
  const { environments, commands } = props;
  const workspace =
    environments.workspaces.find(({ id }) => id === props.workspace.id) ??
    props.workspace;
  const environment = environments.of(workspace.id);
  const running = environment !== null && isRunning(environment);
  const action = useAction();
  useOver(action, environment?.state);
  const run = (name: string, command: string): void => {
    action.run(name, async () => {
      await commands.execute(command, { workspace: workspace.id });
    });
  };
  const figures = progressFigures(progressOf(workspace));
  if (!workspace.has_services) {
    return (
      <div class="sd-bar-content">
        <div class="sd-bar-line">
          <span class="sd-sub">
            {t('This lesson takes place in the notebook: nothing to start.')}
          </span>
          <span class="sd-bar-progress sd-sub sd-num">{figures}</span>
        </div>
        <HealthNote environments={environments} />
      </div>
    );
  }
  return (
    <div class="sd-bar-content">
      <div
        class="sd-bar-line"
        role="toolbar"
        aria-label={t('Environment of this lesson')}
      >
        <span role="status">
          <StateWord
            {...(environment
              ? environmentWord(environment.state)
              : { look: 'off', word: t('Not started yet') })}
          />
        </span>
        <Button
          turns
          primary={!running}
          busy={action.busy === 'turn' || environment?.state === 'stopping'}
          label={
            running ? t('Stop the environment') : t('Start the environment')
          }
          onClick={() => {
            action.run('turn', async () => {
              if (running) {
                await commands.execute(CommandIDs.stopEnvironment, {
                  workspace: workspace.id
                });
              } else {
                // By its folder: one that somebody copied here was never opened before.
                await environments.start(workspace.folder);
              }
            });
          }}
        >
          {running ? t('Stop') : t('Start')}
        </Button>
        {commands.hasCommand(CommandIDs.openDashboard) && (
          <Button
            busy={action.busy === 'dashboard'}
            onClick={() => {
              run('dashboard', CommandIDs.openDashboard);
            }}
          >
            {t('Dashboard')}
          </Button>
        )}
        {commands.hasCommand(CommandIDs.newTerminal) && (
          <Button
            busy={action.busy === 'terminal'}
            onClick={() => {
              run('terminal', CommandIDs.openTerminal);
            }}
          >
            {t('Terminal')}
          </Button>
        )}
        <span class="sd-bar-progress sd-sub sd-num">{figures}</span>
      </div>
      {environment?.progress && (
        <Progress
          label={environment.progress.step}
          done={environment.progress.done}
        />
      )}
      <HealthNote environments={environments} />
      {action.problem && <Problem problem={action.problem} />}
      {environment?.state === 'failed' && environment.reason && (
        <Note look="bad" title={t('The environment did not start')} alert>
          <span class="sd-reason">{environment.reason}</span>
        </Note>
      )}
    </div>
  );
}
