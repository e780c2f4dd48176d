/** Plugin `jupyter-sysdesign:actions`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { CommandIDs } from '../commands';
import { t } from '../i18n';
import { lessonsIcon } from '../lab/icons';
import { IEnvironments, ISysdesignSettings, ITranslations } from '../tokens';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- whether a command is enabled, is asked at once
import { Actions } from './actions';

export const actionsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:actions',
  description:
    'Commands: open a lesson; start, stop and reset its environment.',
  autoStart: true,
  requires: [ITranslations, IEnvironments, ISysdesignSettings],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    settings: ISysdesignSettings
  ): void => {
    const actions = new Actions(app, environments, settings);
    const workspace = {
      args: {
        type: 'object' as const,
        properties: { workspace: { type: 'string' as const } }
      }
    };
    app.commands.addCommand(CommandIDs.openLesson, {
      label: args =>
        args['isLauncher'] ? t('Next lesson') : t('Open the Next Lesson'),
      caption: () => t('Open the lesson to go on with'),
      icon: args => (args['isLauncher'] ? lessonsIcon : undefined),
      describedBy: {
        args: { type: 'object', properties: { lesson: { type: 'string' } } }
      },
      execute: args => actions.openLesson(args['lesson'])
    });
    app.commands.addCommand(CommandIDs.startEnvironment, {
      label: () => t('Start the Environment'),
      caption: () => t('Start the system of the lesson you are at'),
      describedBy: workspace,
      isEnabled: args => actions.canStart(args['workspace']),
      isVisible: args => actions.hasEnvironment(args['workspace']),
      execute: args => actions.start(args['workspace'])
    });
    app.commands.addCommand(CommandIDs.stopEnvironment, {
      label: () => t('Stop the Environment'),
      caption: () => t('Stop its processes; its data stays'),
      describedBy: workspace,
      isEnabled: args => actions.canStop(args['workspace']),
      isVisible: args => actions.hasEnvironment(args['workspace']),
      execute: args => actions.stop(args['workspace'])
    });
    app.commands.addCommand(CommandIDs.resetEnvironment, {
      label: () => t('Reset the Environment …'),
      caption: () => t('Put the original data back; your files stay'),
      describedBy: workspace,
      isEnabled: args => actions.canReset(args['workspace']),
      isVisible: args => actions.hasEnvironment(args['workspace']),
      execute: args => actions.reset(args['workspace'])
    });
    app.commands.addCommand(CommandIDs.stopAll, {
      label: () => t('Stop All Environments'),
      describedBy: { args: { type: 'object', properties: {} } },
      isEnabled: () => environments.running.length > 0,
      execute: () => actions.stopAll()
    });
    const look = (): void => {
      for (const id of DEPENDENT) {
        if (app.commands.hasCommand(id)) {
          app.commands.notifyCommandChanged(id);
        }
      }
    };
    environments.changed.connect(look);
    app.shell.currentChanged?.connect(look);
  }
};

/** Whether these make sense depends on what there is, and on what one looks at. */
const DEPENDENT: readonly string[] = [
  CommandIDs.startEnvironment,
  CommandIDs.stopEnvironment,
  CommandIDs.resetEnvironment,
  CommandIDs.stopAll,
  CommandIDs.openDashboard,
  CommandIDs.openTerminal
];
