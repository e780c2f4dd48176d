/** The dashboard as a widget of Lab's main area. Loaded when the first one is opened. */

import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { render } from 'preact';
import type { ISysdesignConnection } from '../tokens';
import { Dashboard, type IDashboardProps } from './Dashboard';

export interface IDashboardOptions extends Pick<
  IDashboardProps,
  'workspace' | 'restored' | 'settings' | 'onOpen'
> {
  connection: ISysdesignConnection;
}

export class DashboardWidget extends Widget {
  constructor(private readonly _options: IDashboardOptions) {
    super();
    this.addClass('sd-view');
    this.addClass('sd-dashboard');
    this.node.tabIndex = -1;
  }

  get workspace(): string {
    return this._options.workspace;
  }

  /** Once: moved to another place in the window, it keeps what it knows. */
  protected override onBeforeAttach(message: Message): void {
    super.onBeforeAttach(message);
    if (this._drawn) {
      return;
    }
    this._drawn = true;
    const { connection, workspace, restored, settings, onOpen } = this._options;
    render(
      <Dashboard
        connection={{
          transport: connection.api.transport,
          hub: environment => connection.hub(environment),
          dispose: () => undefined // the page's, not ours
        }}
        workspace={workspace}
        restored={restored}
        settings={settings}
        onTitle={title => {
          this.title.label = title;
        }}
        {...(onOpen ? { onOpen } : {})}
        onGone={() => {
          this.close();
        }}
      />,
      this.node
    );
  }

  override dispose(): void {
    if (!this.isDisposed) {
      render(null, this.node);
    }
    super.dispose();
  }

  protected override onActivateRequest(message: Message): void {
    super.onActivateRequest(message);
    this.node.focus({ preventScroll: true });
  }

  private _drawn = false;
}
