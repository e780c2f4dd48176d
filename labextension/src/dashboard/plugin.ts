/** Plugin `jupyter-sysdesign:dashboard`. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { isString } from '../api/guards';
import { IDashboards, IEnvironments, ISysdesignConnection } from '../tokens';
import type { DashboardWidget } from './widget';

/** With `{environment}` or `{workspace}`: they have the same id. Without: of what runs. */
export const OPEN_DASHBOARD = 'sysdesign:open-dashboard';

const OPEN_FILE = 'docmanager:open';

export const dashboardPlugin: JupyterFrontEndPlugin<IDashboards> = {
  id: 'jupyter-sysdesign:dashboard',
  description:
    'Shows an environment: its services, charts, logs, load, faults and checks.',
  autoStart: true,
  requires: [ISysdesignConnection],
  optional: [IEnvironments, ICommandPalette, ILayoutRestorer, ITranslator],
  provides: IDashboards,
  activate: (
    app: JupyterFrontEnd,
    connection: ISysdesignConnection,
    environments: IEnvironments | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    translator: ITranslator | null
  ): IDashboards => {
    const trans = (translator ?? nullTranslator).load('jupyter_sysdesign');
    const tracker = new WidgetTracker<DashboardWidget>({
      namespace: 'sysdesign-dashboard'
    });
    const find = (workspace: string): DashboardWidget | undefined =>
      tracker.find(each => each.workspace === workspace);
    const opening = new Map<string, Promise<DashboardWidget>>();

    const make = async (
      workspace: string,
      restored: boolean
    ): Promise<DashboardWidget> => {
      const { DashboardWidget: Made } = await import('./widget');
      const made = new Made({
        connection,
        workspace,
        restored,
        ...(app.commands.hasCommand(OPEN_FILE)
          ? {
              onOpen: path => {
                void app.commands.execute(OPEN_FILE, { path });
              }
            }
          : {})
      });
      made.id = `sysdesign-dashboard-${workspace}`;
      made.title.label = trans.__('Dashboard');
      made.title.caption = trans.__('Dashboard of %1', workspace);
      made.title.iconClass = 'sd-dashboard-icon';
      made.title.closable = true;
      await tracker.add(made);
      return made;
    };

    const open = async (
      workspace: string,
      restored = false
    ): Promise<DashboardWidget> => {
      let widget = find(workspace);
      if (!widget) {
        // Two at once must not make two of them.
        let made = opening.get(workspace);
        if (!made) {
          made = make(workspace, restored);
          opening.set(workspace, made);
          const done = (): boolean => opening.delete(workspace);
          made.then(done, done);
        }
        widget = await made;
      }
      if (!widget.isAttached) {
        app.shell.add(widget, 'main');
      }
      if (!restored) {
        app.shell.activateById(widget.id);
      }
      return widget;
    };

    /** What is meant where nothing is said: what runs, else what was opened last. */
    const usual = async (): Promise<string> => {
      const [running] = environments?.running ?? [];
      if (running) {
        return running.workspace;
      }
      const [last] = await connection.api.workspaces();
      if (!last) {
        throw new Error(trans.__('No lesson was opened yet.'));
      }
      return last.id;
    };

    app.commands.addCommand(OPEN_DASHBOARD, {
      label: trans.__('Open Dashboard'),
      caption: trans.__(
        'Services, charts, logs, load, faults and checks of an environment'
      ),
      iconClass: 'sd-dashboard-icon',
      describedBy: {
        args: {
          type: 'object',
          properties: {
            environment: {
              type: 'string',
              description: trans.__('Id of the environment')
            },
            workspace: {
              type: 'string',
              description: trans.__('Id of the workspace: the same')
            },
            restored: {
              type: 'boolean',
              description: trans.__(
                'Whether a saved layout asks: what is gone is not shown again'
              )
            }
          }
        }
      },
      execute: async args => {
        const given = args['workspace'] ?? args['environment'];
        return open(
          isString(given) && given ? given : await usual(),
          args['restored'] === true
        );
      }
    });

    palette?.addItem({
      command: OPEN_DASHBOARD,
      category: trans.__('System Design')
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command: OPEN_DASHBOARD,
        args: ({ workspace }) => ({ workspace, restored: true }),
        name: ({ workspace }) => workspace
      });
    }
    return { open: workspace => open(workspace), find };
  }
};
