/** Plugin `jupyter-sysdesign:work`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { IEnvironments, ISysdesignConnection, ITranslations } from '../tokens';
import type { Work } from './work';

export const workPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:work',
  description: 'Commands: download all work as one zip, and take it up again.',
  autoStart: true,
  requires: [ITranslations, IEnvironments, ISysdesignConnection],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    connection: ISysdesignConnection
  ): void => {
    let loaded: Promise<Work> | null = null;
    const work = (): Promise<Work> =>
      (loaded ??= import('./work').then(
        ({ Work }) => new Work(app, environments, connection.api),
        (error: unknown) => {
          loaded = null; // asked for again the next time
          throw error;
        }
      ));
    const describedBy = { args: { type: 'object', properties: {} } } as const;
    app.commands.addCommand(CommandIDs.downloadWork, {
      label: () => t('Download My Work'),
      caption: () =>
        t('All notebooks, edited files, answers and progress as one zip'),
      describedBy,
      execute: async () => {
        await (await work()).download();
      }
    });
    app.commands.addCommand(CommandIDs.uploadWork, {
      label: () => t('Upload My Work …'),
      caption: () => t('Go on from a zip that was downloaded before'),
      describedBy,
      execute: async () => {
        await (await work()).upload();
      }
    });
  }
};
