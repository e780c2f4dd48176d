/** The JupyterLab extension: every plugin of it. */

import { connectionPlugin } from './connection/plugin';
import { outputPlugin } from './output/plugin';

export * from './tokens';

export default [connectionPlugin, outputPlugin];
