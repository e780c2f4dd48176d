/** Plugin `jupyter-sysdesign:dashboard`. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import {
  ICommandPalette,
  Notification,
  WidgetTracker
} from '@jupyterlab/apputils';
import { isString } from '../api/guards';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { dashboardIcon } from '../lab/icons';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- has to be there where what is lazy is not
import { late } from '../lab/late';
import { openAtLine } from '../lab/line';
import { currentWorkspace, hasEnvironment } from '../lessons/current';
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
    ILayoutRestorer,
    ILabShell
  ],
  provides: IDashboards,
  activate: (
    app: JupyterFrontEnd,
    connection: ISysdesignConnection,
    _translations: ITranslations,
    environments: IEnvironments | null,
    settings: ISysdesignSettings | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    labShell: ILabShell | null
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
      const { DashboardWidget: Made } = await late(
        import('./widget'),
        t('The dashboard could not be loaded.')
      );
      const made = new Made({
        connection,
        workspace,
        restored,
        settings,
        ...(app.commands.hasCommand(CommandIDs.openFile)
          ? {
              onOpen: (path, line) => {
                void openAtLine(app.commands, path, line);
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
        // The main area of Notebook 7 takes one document; the dashboard stands beside it.
        app.shell.add(widget, labShell ? 'main' : 'right');
      }
      if (!restored) {
        app.shell.activateById(widget.id);
      }
      return widget;
    };

    /** What is meant where nothing is said: what one looks at, what runs, what was opened last. */
    const usual = async (): Promise<string | null> => {
      const shown = tracker.find(each => each === app.shell.currentWidget);
      const here = environments
        ? currentWorkspace(app.shell, environments)
        : null;
      const [running] = environments?.running ?? [];
      return (
        shown?.workspace ??
        here?.id ??
        running?.id ??
        (await connection.api.workspaces())[0]?.id ??
        null
      );
    };

    const openUsual = async (): Promise<DashboardWidget | null> => {
      try {
        const workspace = await usual();
        if (workspace !== null) {
          return await open(workspace);
        }
        Notification.info(
          t('Open a lesson first: a dashboard shows its environment.')
        );
      } catch (error) {
        const { asProblem } = await import('../api/problem');
        const { message, hint } = asProblem(error);
        Notification.error([message, hint].filter(Boolean).join(' '), {
          autoClose: false
        });
      }
      return null;
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
      isVisible: args =>
        !environments ||
        hasEnvironment(
          app.shell,
          environments,
          args['workspace'] ?? args['environment']
        ),
      execute: args => {
        const given = args['workspace'] ?? args['environment'];
        return isString(given) && given
          ? open(given, args['restored'] === true)
          : openUsual();
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
