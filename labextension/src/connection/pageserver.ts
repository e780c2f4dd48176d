/** The Jupyter server of a page without our plugin: from the page's own configuration. */

import { isRecord, isString } from '../api/guards';
import type { IServer } from './server';
import { NAMESPACE } from './server';

/** Return the server this page came from, or null where it came from elsewhere (VS Code). */
export function pageServer(page: Document = document): IServer | null {
  const config = readConfig(page);
  const base = config?.['baseUrl'];
  if (!config || !isString(base)) {
    return null;
  }
  const token = isString(config['token']) ? config['token'] : '';
  const root = new URL(base, page.location.href);
  if (!root.pathname.endsWith('/')) {
    root.pathname += '/';
  }
  return {
    fetch: (path, init) => {
      const headers = new Headers(init.headers);
      const xsrf = cookie(page, '_xsrf');
      if (xsrf) {
        headers.set('X-XSRFToken', xsrf);
      }
      if (token) {
        headers.set('Authorization', `token ${token}`);
      }
      return fetch(new URL(`${NAMESPACE}/${path}`, root), {
        credentials: 'same-origin',
        ...init,
        headers
      });
    },
    socket: path => {
      const url = new URL(`${NAMESPACE}/${path}`, root);
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
      if (token) {
        url.searchParams.set('token', token);
      }
      return new WebSocket(url);
    }
  };
}

function readConfig(page: Document): Record<string, unknown> | null {
  try {
    const text = page.getElementById('jupyter-config-data')?.textContent;
    const config: unknown = JSON.parse(text ?? '');
    return isRecord(config) ? config : null;
  } catch {
    return null;
  }
}

function cookie(page: Document, name: string): string | null {
  for (const pair of page.cookie.split('; ')) {
    const [key, ...rest] = pair.split('=');
    if (key === name) {
      return decodeURIComponent(rest.join('='));
    }
  }
  return null;
}
