/** Plugin `jupyter-sysdesign:curriculum`. */

import {
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { lessonsIcon } from '../lab/icons';
import { IEnvironments, ITranslations } from '../tokens';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- small, and the sidebar is there at once
import { CurriculumPanel } from './panel';

// After the file browser (100), running sessions (200) and the table of contents (400).
const RANK = 450;

export const curriculumPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:curriculum',
  description: 'The lessons in the left sidebar.',
  autoStart: true,
  requires: [ITranslations, IEnvironments],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    restorer: ILayoutRestorer | null
  ): void => {
    const panel = new CurriculumPanel(app.commands, environments);
    app.shell.add(panel, 'left', { rank: RANK, type: 'Curriculum' });
    restorer?.add(panel, panel.id);
    app.commands.addCommand(CommandIDs.openCurriculum, {
      label: args =>
        args['isLauncher'] ? t('All lessons') : t('Show Lessons'),
      icon: args => (args['isLauncher'] ? lessonsIcon : undefined),
      caption: () => t('Show the lessons of System Design in the sidebar'),
      describedBy: { args: { type: 'object', properties: {} } },
      execute: () => {
        app.shell.activateById(panel.id);
      }
    });
  }
};
