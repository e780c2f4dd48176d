/** The JupyterLab extension: every plugin of it. */

import { actionsPlugin } from './actions/plugin';
import { connectionPlugin } from './connection/plugin';
import { curriculumPlugin } from './curriculum/plugin';
import { dashboardPlugin } from './dashboard/plugin';
import { environmentsPlugin } from './environments/plugin';
import { launcherPlugin } from './launcher/plugin';
import { notebookPlugin } from './notebook/plugin';
import { outputPlugin } from './output/plugin';
import { palettePlugin } from './palette/plugin';
import { settingsPlugin } from './settings/plugin';
import { statusPlugin } from './status/plugin';
import { terminalPlugin } from './terminal/plugin';
import { translationPlugin } from './translation/plugin';
import { workPlugin } from './work/plugin';

export * from './tokens';

export default [
  actionsPlugin,
  connectionPlugin,
  curriculumPlugin,
  dashboardPlugin,
  environmentsPlugin,
  launcherPlugin,
  notebookPlugin,
  outputPlugin,
  palettePlugin,
  settingsPlugin,
  statusPlugin,
  terminalPlugin,
  translationPlugin,
  workPlugin
];
