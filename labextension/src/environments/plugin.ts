/** Plugin `jupyter-sysdesign:environments`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { startOptions } from '../settings/starting';
import {
  IEnvironments,
  ISysdesignConnection,
  ISysdesignSettings
} from '../tokens';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- it is small, and others ask it at once
import { EnvironmentRegistry } from './registry';

export const environmentsPlugin: JupyterFrontEndPlugin<IEnvironments> = {
  id: 'jupyter-sysdesign:environments',
  description:
    'Knows which environments and workspaces there are, and keeps that current.',
  autoStart: true,
  requires: [ISysdesignConnection, ISysdesignSettings],
  provides: IEnvironments,
  activate: (
    app: JupyterFrontEnd,
    connection: ISysdesignConnection,
    settings: ISysdesignSettings
  ): IEnvironments => {
    const registry = new EnvironmentRegistry({
      api: connection.api,
      hub: environment => connection.hub(environment),
      startOptions: () => startOptions(settings)
    });
    void app.restored.then(() => {
      registry.begin();
    });
    return registry;
  }
};
