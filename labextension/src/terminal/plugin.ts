/** Plugin `jupyter-sysdesign:terminal`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { consoleIcon } from '../lab/icons';
import { currentWorkspace, hasEnvironment } from '../lessons/current';
import type { Terminals } from './terminals';
import { IEnvironments, ISysdesignConnection, ITranslations } from '../tokens';

export const terminalPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:terminal',
  description: 'Terminals that talk to the databases and caches of lessons.',
  autoStart: true,
  requires: [ITranslations, IEnvironments, ISysdesignConnection],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    connection: ISysdesignConnection
  ): void => {
    let terminals: Promise<Terminals> | null = null;
    app.commands.addCommand(CommandIDs.openTerminal, {
      label: () => t('Talk to the Database'),
      caption: () => t('Open a terminal that is connected to the database'),
      icon: consoleIcon,
      describedBy: {
        args: {
          type: 'object',
          properties: {
            workspace: { type: 'string' },
            service: { type: 'string' }
          }
        }
      },
      isEnabled: args =>
        app.commands.hasCommand(CommandIDs.newTerminal) &&
        (typeof args['workspace'] === 'string' ||
          currentWorkspace(app.shell, environments) !== null),
      isVisible: args =>
        hasEnvironment(app.shell, environments, args['workspace']),
      execute: async args => {
        const { told } = await import('../lab/told');
        // Who names a workspace shows what goes wrong; the palette and the menu do not.
        await told(
          async () => {
            terminals ??= import('./terminals').then(
              loaded => new loaded.Terminals(app, environments, connection.api),
              (error: unknown) => {
                terminals = null; // asked for again the next time
                throw error;
              }
            );
            await (await terminals).open(args['workspace'], args['service']);
          },
          typeof args['workspace'] !== 'string'
        );
      }
    });
  }
};
