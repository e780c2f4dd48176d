/** Plugin `jupyter-sysdesign:launcher`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ILauncher } from '@jupyterlab/launcher';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { ITranslations } from '../tokens';

export const launcherPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:launcher',
  description: 'Cards of System Design in the launcher.',
  autoStart: true,
  requires: [ITranslations],
  optional: [ILauncher],
  activate: (
    _app: JupyterFrontEnd,
    _translations: ITranslations,
    launcher: ILauncher | null
  ): void => {
    [CommandIDs.openLesson, CommandIDs.openCurriculum].forEach(
      (command, rank) => {
        launcher?.add({
          command,
          args: { isLauncher: true },
          category: t('System Design'),
          categoryRank: 0.5,
          rank
        });
      }
    );
  }
};
