/** What the curriculum browser can do with a lesson; each rejects with what to show in its place. */

import type { CommandRegistry } from '@lumino/commands';
import type { WorkspaceDetail } from '../api/types';
import { CommandIDs } from '../commands';
import { openFile, openLesson, startIfNeeded } from '../lessons/opening';
import type { IEnvironments } from '../tokens';
import type { ILesson } from '../lessons/tree';

export interface IDoings {
  readonly hasDashboards: boolean;
  readonly hasTerminals: boolean;
  open(lesson: ILesson): Promise<void>;
  dashboard(lesson: ILesson): Promise<void>;
  terminal(lesson: ILesson, service: string): Promise<void>;
  file(workspace: WorkspaceDetail, file: string): Promise<void>;
  start(environment: string): Promise<void>;
  stop(environment: string): Promise<void>;
}

export function doingsOf(
  commands: CommandRegistry,
  environments: IEnvironments
): IDoings {
  return {
    get hasDashboards() {
      return commands.hasCommand(CommandIDs.openDashboard);
    },
    get hasTerminals() {
      return commands.hasCommand(CommandIDs.newTerminal);
    },
    open: ({ summary }) => openLesson(commands, environments, summary.id),
    dashboard: async ({ summary }) => {
      const workspace = await environments.open(summary.id);
      await commands.execute(CommandIDs.openDashboard, {
        workspace: workspace.id
      });
    },
    terminal: async ({ summary }, service) => {
      const workspace = await environments.open(summary.id);
      await startIfNeeded(environments, workspace);
      await commands.execute(CommandIDs.openTerminal, {
        workspace: workspace.id,
        service
      });
    },
    file: (workspace, file) => openFile(commands, workspace, file),
    start: async environment => {
      await environments.start(environment);
    },
    stop: async environment => {
      await commands.execute(CommandIDs.stopEnvironment, {
        workspace: environment
      });
    }
  };
}
