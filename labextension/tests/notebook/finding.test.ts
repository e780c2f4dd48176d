/** The bar above a notebook, as the server tells whose lesson it is. */

import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import { CommandRegistry } from '@lumino/commands';
import { Signal } from '@lumino/signaling';
import { Panel, Widget } from '@lumino/widgets';
import type { Api } from '../../src/api/client';
import { ApiError } from '../../src/api/problem';
import type { WorkspaceDetail } from '../../src/api/types';
import { Finding } from '../../src/notebook/finding';
import type { IEnvironments } from '../../src/tokens';
import { button, rest } from '../browser';

/** What the server says, one time after the other. */
let answers: (() => Promise<unknown>)[];
let header: Panel;
let finding: Finding;

beforeEach(() => {
  jest.useFakeTimers();
  answers = [
    () => Promise.reject(new ApiError('No.', 'forbidden', 403)),
    () => Promise.reject(new ApiError('Still no.', 'forbidden', 403)),
    () =>
      Promise.resolve({
        id: 'w',
        has_services: true,
        answers: {}
      } as unknown as WorkspaceDetail)
  ];
  header = new Panel();
  Widget.attach(header, document.body);
  const environments = {
    workspaces: [],
    health: { state: 'ok' },
    changed: new Signal<object, void>({}),
    of: () => null,
    watch: () => ({ dispose: () => undefined })
  };
  const context = {
    localPath: 'l/lesson.ipynb',
    pathChanged: new Signal<object, string>({})
  };
  finding = new Finding({
    panel: { contentHeader: header } as unknown as DocumentWidget,
    context: context as unknown as DocumentRegistry.Context,
    commands: new CommandRegistry(),
    environments: environments as unknown as IEnvironments,
    api: { workspaceIn: () => answers.shift()?.() } as unknown as Api
  });
});

afterEach(() => {
  finding.dispose();
  header.dispose();
  jest.useRealTimers();
});

test('the keyboard stays in the bar when its lesson is asked for again', async () => {
  await rest();
  const again = button(header.node, 'Try again');
  again.focus();
  again.click();
  await rest();
  expect(header.node.textContent).toContain('Still no.');
  expect(document.activeElement).toBe(again);
  again.click();
  await rest();
  expect(header.node.textContent).toContain('Start');
  expect(document.activeElement).toBe(header.widgets[0]?.node);
});
