/** Opening what belongs to a lesson, in the frontend's own way. */

import type { CommandRegistry } from '@lumino/commands';
import { ApiError } from '../api/problem';
import type { WorkspaceDetail } from '../api/types';
import { CommandIDs } from '../commands';
import { isRunning } from '../environments/registry';
import { t } from '../i18n';
import type { IEnvironments } from '../tokens';

/** Open a lesson's notebook; its workspace is made on first use. */
export async function openLesson(
  commands: CommandRegistry,
  environments: IEnvironments,
  lesson: string
): Promise<void> {
  const workspace = await environments.open(lesson);
  await openFile(commands, workspace, workspace.notebook);
}

export async function openFile(
  commands: CommandRegistry,
  workspace: WorkspaceDetail,
  file: string
): Promise<void> {
  if (!workspace.path) {
    throw new ApiError(
      t('{folder} is not in the folder that JupyterLab shows.', {
        folder: workspace.folder
      }),
      'outside_root',
      403,
      t('Start JupyterLab in a folder above it.')
    );
  }
  await commands.execute(CommandIDs.openFile, {
    path: `${workspace.path}/${file}`
  });
}

export async function startIfNeeded(
  environments: IEnvironments,
  workspace: WorkspaceDetail
): Promise<void> {
  const known = environments.of(workspace.id);
  if (!known || !isRunning(known)) {
    await environments.start(workspace.id);
  }
}
