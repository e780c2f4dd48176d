import type { WorkspaceDetail } from '../../src/api/types';
import { workspaceAt } from '../../src/lessons/current';

const workspace = (id: string, path: string | null): WorkspaceDetail =>
  ({ id, path }) as WorkspaceDetail;

test('a file belongs to the workspace whose folder it lies in', () => {
  const all = [
    workspace('outside', null),
    workspace('two', 'sysdesign/two'),
    workspace('one', 'sysdesign/one')
  ];
  expect(workspaceAt('sysdesign/one/app/server.py', all)?.id).toBe('one');
  expect(workspaceAt('sysdesign/one.ipynb', all)).toBeNull();
  expect(workspaceAt('null/a.py', all)).toBeNull();
});

test('where the file browser shows a lesson, every file is one of it', () => {
  const all = [workspace('outside', null), workspace('one', '.')];
  expect(workspaceAt('lesson.ipynb', all)?.id).toBe('one');
  expect(workspaceAt('app/server.py', all)?.id).toBe('one');
});
