/** Which of a workspace's files are the learner's to change. */

import type { WorkspaceDetail } from '../api/types';

/** The files that exist and match the lesson's patterns, in order. */
export function editableFiles(
  workspace: Pick<WorkspaceDetail, 'files' | 'editable'>
): readonly string[] {
  const patterns = workspace.editable.map(expression);
  return workspace.files.filter(file =>
    patterns.some(pattern => pattern.test(file))
  );
}

/** As Python's `fnmatch` reads it: `*` also crosses slashes. */
function expression(pattern: string): RegExp {
  const source = pattern.replace(/\[!?[^\]]+\]|[\s\S]/g, part => {
    if (part === '*') {
      return '.*';
    }
    if (part === '?') {
      return '.';
    }
    return part.length > 1
      ? part.replace('[!', '[^')
      : part.replace(/[\\^$.*+?()[\]{}|/]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 's');
}
