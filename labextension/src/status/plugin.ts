/** Plugin `jupyter-sysdesign:status`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { t } from '../i18n';
import { IEnvironments, ISysdesignSettings, ITranslations } from '../tokens';
/* eslint-disable jupyter/prefer-lazy-imports -- what the bar itself shows; the list is loaded late */
import { late } from '../lab/late';
import { told } from '../lab/told';
import { StatusItem } from './item';
import { MemoryWatch } from './watch';

const RANK = 20;

export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:status',
  description:
    'Running environments and their memory in the status bar; warns before memory runs out.',
  autoStart: true,
  requires: [ITranslations, IEnvironments, ISysdesignSettings],
  optional: [IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    settings: ISysdesignSettings,
    statusBar: IStatusBar | null
  ): void => {
    let open: { isDisposed: boolean; dispose: () => void } | null = null;
    const toggle = async (): Promise<void> => {
      if (open && !open.isDisposed) {
        open.dispose();
        return;
      }
      const { showRunning } = await late(
        import('./popup'),
        t('The list of running environments could not be loaded.')
      );
      open = showRunning(item, app.commands, environments, settings);
    };
    const item = new StatusItem(environments, settings, () => {
      void told(toggle);
    });
    statusBar?.registerStatusItem('jupyter-sysdesign:status', {
      item,
      align: 'left',
      rank: RANK,
      isActive: () => item.isActive,
      activeStateChanged: item.activeStateChanged
    });
    new MemoryWatch(
      environments,
      settings,
      statusBar &&
        (() => {
          // Later: the click that asks for the list would be one outside of it, and close it.
          setTimeout(() => {
            if (!open || open.isDisposed) {
              void told(toggle);
            }
          });
        })
    );
  }
};
