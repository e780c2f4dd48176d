/** The Jupyter server as Lab and Notebook 7 know it. */

import { ServerConnection } from '@jupyterlab/services';
import { NAMESPACE, type IServer } from './server';

/** Return a server that uses Lab's own settings: base URL, token, cookies, WebSocket class. */
export function labServer(settings: ServerConnection.ISettings): IServer {
  return {
    fetch: (path, init) =>
      ServerConnection.makeRequest(
        below(settings.baseUrl, path),
        init,
        settings
      ),
    socket: path => {
      const url = new URL(below(settings.wsUrl, path));
      if (settings.appendToken && settings.token) {
        url.searchParams.set('token', settings.token);
      }
      return new settings.WebSocket(url.href);
    }
  };
}

function below(base: string, path: string): string {
  return `${base.replace(/\/$/, '')}/${NAMESPACE}/${path}`;
}
