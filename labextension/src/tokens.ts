/** What our plugins give each other, and other extensions. */

import { Token } from '@lumino/coreutils';
import type { Api } from './api/client';
import type { EventHub } from './connection/hub';

/** Requests to the control plane behind this Jupyter server, and its events. */
export interface ISysdesignConnection {
  readonly api: Api;
  /** The shared event subscription of an environment. */
  hub(environment: string): EventHub;
}

export const ISysdesignConnection = new Token<ISysdesignConnection>(
  'jupyter-sysdesign:ISysdesignConnection',
  'Requests to the control plane of jupyter-sysdesign, and the events of its environments.'
);
