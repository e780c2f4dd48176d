/** Which lesson somebody is at: that of the file they look at. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { isRecord, isString } from '../api/guards';
import type { WorkspaceDetail } from '../api/types';
import type { IEnvironments } from '../tokens';

/** The workspace that `path` (as the file browser shows it) lies in. */
export function workspaceAt(
  path: string,
  workspaces: readonly WorkspaceDetail[]
): WorkspaceDetail | null {
  return (
    workspaces.find(
      // The folder that the file browser shows may be a lesson's own.
      ({ path: folder }) =>
        folder === '.' || (folder && path.startsWith(`${folder}/`))
    ) ?? null
  );
}

/** The workspace of what the shell shows now, or the one with the only running environment. */
export function currentWorkspace(
  shell: JupyterFrontEnd.IShell,
  environments: IEnvironments
): WorkspaceDetail | null {
  const path = pathOf(shell.currentWidget);
  const found = path && workspaceAt(path, environments.workspaces);
  if (found) {
    return found;
  }
  const [only, ...others] = environments.running;
  return only && others.length === 0
    ? (environments.workspaces.find(({ id }) => id === only.id) ?? null)
    : null;
}

/**
 * Whether there is anything to start: in the workspace `named`, else where somebody is now. Where
 * nothing is known, there may be.
 */
export function hasEnvironment(
  shell: JupyterFrontEnd.IShell,
  environments: IEnvironments,
  named: unknown
): boolean {
  const meant = isString(named)
    ? environments.workspaces.find(({ id }) => id === named)
    : currentWorkspace(shell, environments);
  return meant?.has_services ?? true;
}

/** The path of a document's widget, without the drive it may be on. */
export function pathOf(widget: unknown): string | null {
  const context = isRecord(widget) ? widget['context'] : null;
  const path = isRecord(context) ? context['path'] : null;
  return isString(path) ? path.replace(/^[^/]*:/, '') : null;
}
