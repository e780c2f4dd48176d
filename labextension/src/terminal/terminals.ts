/**
 * Lab's own terminals with our console in them.
 *
 * All that is typed there is `sysdesign console`: it asks the control plane for the password itself,
 * so that none is in the terminal, in an argument, or in this page.
 */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Terminal } from '@jupyterlab/services';
import type { Widget } from '@lumino/widgets';
import type { Api } from '../api/client';
import { isRecord, isString } from '../api/guards';
import { ApiError } from '../api/problem';
import type { WorkspaceDetail } from '../api/types';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { currentWorkspace } from '../lessons/current';
import { startIfNeeded } from '../lessons/opening';
import type { IEnvironments } from '../tokens';
import { quoted } from './quoting';

export class Terminals {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _environments: IEnvironments,
    private readonly _api: Api
  ) {}

  /** Show the terminal of a service (empty: the first there is to talk to), or make it. */
  async open(named: unknown, service: unknown): Promise<void> {
    const workspace = isString(named)
      ? await this._workspace(named)
      : currentWorkspace(this._app.shell, this._environments);
    if (!workspace) {
      return;
    }
    await startIfNeeded(this._environments, workspace);
    const name = isString(service) ? service : '';
    const key = `${workspace.id} ${name}`;
    let opening = this._open.get(key);
    while (opening) {
      const open = await opening.catch(() => null);
      if (open && !open.isDisposed) {
        this._app.shell.activateById(open.id);
        return;
      }
      const since = this._open.get(key); // who waited with us may have begun anew
      opening = since === opening ? undefined : since;
    }
    const made = this._make(workspace, name);
    this._open.set(key, made); // before it is there: two at once must not make two of them
    await made;
  }

  private async _workspace(id: string): Promise<WorkspaceDetail> {
    return (
      this._environments.workspaces.find(each => each.id === id) ??
      (await this._api.workspace(id))
    );
  }

  private async _make(
    workspace: WorkspaceDetail,
    service: string
  ): Promise<Widget> {
    const { command } = await this._api.info();
    const widget: unknown = await this._app.commands.execute(
      CommandIDs.newTerminal,
      workspace.path === null ? {} : { cwd: workspace.path }
    );
    const session = sessionOf(widget);
    if (!session || !(widget instanceof MainAreaWidget)) {
      throw new ApiError(
        t('No terminal could be opened.'),
        'no_terminal',
        0,
        t('This Jupyter server may have terminals switched off.')
      );
    }
    const words = [
      ...command,
      'console',
      `--workspace=${workspace.folder}`,
      ...(service ? [`--service=${service}`] : [])
    ];
    await prompted(session);
    widget.title.label = [
      service || t('Database'),
      this._environments.title(workspace.lesson)
    ].join(' · ');
    session.send({
      type: 'stdin',
      content: [`${words.map(quoted).join(' ')}\r`]
    });
    return widget;
  }

  private readonly _open = new Map<string, Promise<Widget>>();
}

type Session = Pick<Terminal.ITerminalConnection, 'send' | 'messageReceived'>;

function sessionOf(widget: unknown): Session | null {
  const content = isRecord(widget) ? widget['content'] : null;
  const session = isRecord(content) ? content['session'] : null;
  return isRecord(session) && typeof session['send'] === 'function'
    ? (session as unknown as Session)
    : null;
}

const PROMPT_MS = 3000;

/** Resolve when the shell has said something: typed before, the line would show twice. */
function prompted(session: Session): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      session.messageReceived.disconnect(heard);
      resolve();
    };
    const heard = (_: unknown, message: { type: string }): void => {
      if (message.type === 'stdout') {
        done();
      }
    };
    const timer = setTimeout(done, PROMPT_MS);
    session.messageReceived.connect(heard);
  });
}
