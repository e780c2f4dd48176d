/** Plugin `jupyter-sysdesign:connection`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { Api } from '../api/client';
import { ISysdesignConnection } from '../tokens';
/* eslint-disable jupyter/prefer-lazy-imports -- small, and widgets need the server at once */
import { hubOf } from './choose';
import { labServer } from './labserver';
import { page } from './page';
import { ServerTransport } from './server';

export const connectionPlugin: JupyterFrontEndPlugin<ISysdesignConnection> = {
  id: 'jupyter-sysdesign:connection',
  description:
    'Connects widgets and panels to the control plane through the Jupyter server.',
  autoStart: true,
  provides: ISysdesignConnection,
  activate: (app: JupyterFrontEnd): ISysdesignConnection => {
    const shared = page();
    shared.server = labServer(app.serviceManager.serverSettings);
    const transport = new ServerTransport(shared.server);
    return {
      api: new Api(transport),
      hub: environment => hubOf(shared.hubs, environment, transport)
    };
  }
};
