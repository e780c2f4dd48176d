/** Plugin `jupyter-sysdesign:output`. */

import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { VIEW_MIME } from './bundle';
// eslint-disable-next-line jupyter/prefer-lazy-imports -- createRenderer must answer at once
import { ViewRenderer } from './renderer';

// Before the widget manager's own renderer, which has -10.
const RANK = -20;

export const outputPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:output',
  description:
    'Shows views of jupyter-sysdesign in outputs: live where their model is, else as they were.',
  autoStart: true,
  requires: [IRenderMimeRegistry],
  activate: (_app, rendermime: IRenderMimeRegistry): void => {
    rendermime.addFactory(
      {
        safe: true,
        mimeTypes: [VIEW_MIME],
        createRenderer: options => new ViewRenderer(options)
      },
      RANK
    );
  }
};
