/** Our icons, in the colours of Lab's own. */

import { LabIcon } from '@jupyterlab/ui-components';

function icon(name: string, path: string): LabIcon {
  return new LabIcon({
    name: `jupyter-sysdesign:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 16 16"><path class="jp-icon3" fill="#616161" d="${path}"/></svg>`
  });
}

/** Three services and the links between them. */
export const lessonsIcon = icon(
  'lessons',
  'M5.5 1h5a.5.5 0 0 1 .5.5v3a.5.5 0 0 1-.5.5H8.7v2.3h3.8c.4 0 .7.3.7.7v2h1.3a.5.5 0 0 1 .5.5v3a.5.5 0 0 1-.5.5h-4a.5.5 0 0 1-.5-.5v-3a.5.5 0 0 1 .5-.5h1.3V8.7H4.2V10h1.3a.5.5 0 0 1 .5.5v3a.5.5 0 0 1-.5.5h-4a.5.5 0 0 1-.5-.5v-3a.5.5 0 0 1 .5-.5h1.3V8c0-.4.3-.7.7-.7h3.8V5H5.5a.5.5 0 0 1-.5-.5v-3a.5.5 0 0 1 .5-.5Z'
);

/** A prompt. */
export const consoleIcon = icon(
  'console',
  'M2 2.5h12c.6 0 1 .4 1 1v9c0 .6-.4 1-1 1H2c-.6 0-1-.4-1-1v-9c0-.6.4-1 1-1Zm.4 1.4v8.2h11.2V3.9Zm1.7 1.7 2.6 2.4-2.6 2.4-.9-1L4.7 8 3.2 6.6Zm3.6 3.9h4.2v1.3H7.7Z'
);

/** A gauge. */
export const dashboardIcon = icon(
  'dashboard',
  'M8 2.5a7 7 0 0 1 6 10.6c-.1.3-.4.4-.7.4H2.7c-.3 0-.6-.1-.7-.4A7 7 0 0 1 8 2.5Zm0 1.4a5.6 5.6 0 0 0-4.9 8.2h9.8A5.6 5.6 0 0 0 8 3.9Zm3.1 2.2.8.8-2.8 3.4a1.3 1.3 0 1 1-1.6-1.5Z'
);
