/** Plugin `jupyter-sysdesign:dashboard`. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette, WidgetTracker } from '@jupyterlab/apputils';
import { isString } from '../api/guards';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { dashboardIcon } from '../lab/icons';
import {
  IDashboards,
  IEnvironments,
  ISysdesignConnection,
  ISysdesignSettings,
  ITranslations
} from '../tokens';
import type { DashboardWidget } from './widget';

export const dashboardPlugin: JupyterFrontEndPlugin<IDashboards> = {
  id: 'jupyter-sysdesign:dashboard',
  description:
    'Shows an environment: its services, charts, logs, load, faults and checks.',
  autoStart: true,
  requires: [ISysdesignConnection, ITranslations],
  optional: [
    IEnvironments,
    ISysdesignSettings,
    ICommandPalette,
    ILayoutRestorer
  ],
  provides: IDashboards,
  activate: (
    app: JupyterFrontEnd,
    connection: ISysdesignConnection,
    _translations: ITranslations,
    environments: IEnvironments | null,
    settings: ISysdesignSettings | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null
  ): IDashboards => {
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
        settings,
        ...(app.commands.hasCommand(CommandIDs.openFile)
          ? {
              onOpen: path => {
                void app.commands.execute(CommandIDs.openFile, { path });
              }
            }
          : {})
      });
      made.id = `sysdesign-dashboard-${workspace}`;
      made.title.label = t('Dashboard');
      made.title.caption = t('Dashboard of {workspace}', { workspace });
      made.title.icon = dashboardIcon;
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
        throw new Error(t('No lesson was opened yet.'));
      }
      return last.id;
    };

    app.commands.addCommand(CommandIDs.openDashboard, {
      label: t('Open Dashboard'),
      caption: t(
        'Services, charts, logs, load, faults and checks of an environment'
      ),
      icon: dashboardIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            environment: {
              type: 'string',
              description: t('Id of the environment')
            },
            workspace: {
              type: 'string',
              description: t('Id of the workspace: the same')
            },
            restored: {
              type: 'boolean',
              description: t(
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
      command: CommandIDs.openDashboard,
      category: t('System Design')
    });
    if (restorer) {
      void restorer.restore(tracker, {
        command: CommandIDs.openDashboard,
        args: ({ workspace }) => ({ workspace, restored: true }),
        name: ({ workspace }) => workspace
      });
    }
    return { open: workspace => open(workspace), find };
  }
};
