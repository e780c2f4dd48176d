/** The JupyterLab extension: every plugin of it. */

import { connectionPlugin } from './connection/plugin';
import { dashboardPlugin } from './dashboard/plugin';
import { environmentsPlugin } from './environments/plugin';
import { outputPlugin } from './output/plugin';

export * from './tokens';

export default [
  connectionPlugin,
  dashboardPlugin,
  environmentsPlugin,
  outputPlugin
];
