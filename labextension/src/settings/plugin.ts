/** Plugin `jupyter-sysdesign:settings`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { page } from '../connection/page';
import { ISysdesignSettings } from '../tokens';

import { Settings } from './settings';

const ID = 'jupyter-sysdesign:settings';

export const settingsPlugin: JupyterFrontEndPlugin<ISysdesignSettings> = {
  id: ID,
  description: 'What a user can set, and the defaults.',
  autoStart: true,
  optional: [ISettingRegistry],
  provides: ISysdesignSettings,
  activate: (
    _app: JupyterFrontEnd,
    registry: ISettingRegistry | null
  ): ISysdesignSettings => {
    const settings = new Settings();
    page().settings = settings;
    // Where they cannot be loaded, Lab says so itself, and the defaults hold.
    void registry?.load(ID).then(
      loaded => {
        settings.follow(loaded);
      },
      () => undefined
    );
    return settings;
  }
};
