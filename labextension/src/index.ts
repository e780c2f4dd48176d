/** The JupyterLab extension: every plugin of it. */

import { connectionPlugin } from './connection/plugin';
import { environmentsPlugin } from './environments/plugin';
import { outputPlugin } from './output/plugin';

export * from './tokens';

export default [connectionPlugin, environmentsPlugin, outputPlugin];
