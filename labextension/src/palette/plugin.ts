/** Plugin `jupyter-sysdesign:palette`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { ITranslations } from '../tokens';

export const palettePlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:palette',
  description: 'Commands of System Design in the command palette.',
  autoStart: true,
  requires: [ITranslations],
  optional: [ICommandPalette],
  activate: (
    _app: JupyterFrontEnd,
    _translations: ITranslations,
    palette: ICommandPalette | null
  ): void => {
    for (const command of [
      CommandIDs.openCurriculum,
      CommandIDs.openLesson,
      CommandIDs.startEnvironment,
      CommandIDs.stopEnvironment,
      CommandIDs.resetEnvironment,
      CommandIDs.stopAll,
      CommandIDs.openTerminal,
      CommandIDs.downloadWork,
      CommandIDs.uploadWork
    ]) {
      palette?.addItem({ command, category: t('System Design') });
    }
  }
};
