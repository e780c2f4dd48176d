/** What becomes of work that is handed to the browser. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { ServerConnection } from '@jupyterlab/services';
import { Work } from '../../src/work/work';

let downloaded: string[];

function answered(kind: string, blob: () => Promise<unknown>): void {
  jest.spyOn(ServerConnection, 'makeRequest').mockResolvedValue({
    ok: true,
    status: 200,
    headers: { get: () => kind },
    blob
  } as unknown as Response);
}

async function download(): Promise<string> {
  const serverSettings = { baseUrl: '/user/ann/' };
  const app = { serviceManager: { serverSettings, contents: null } };
  const work = new Work(
    app as unknown as JupyterFrontEnd,
    null as never, // nothing is asked of them
    null as never
  );
  await work.download();
  return Notification.manager.notifications
    .map(({ message }) => message)
    .join();
}

beforeEach(() => {
  downloaded = [];
  Object.assign(URL, {
    createObjectURL: () => 'blob:work',
    revokeObjectURL: () => undefined
  });
  jest.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
    this: HTMLAnchorElement
  ) {
    downloaded.push(this.download);
  });
});

afterEach(() => {
  Notification.manager.dismiss();
});

test('a zip goes to the downloads', async () => {
  answered('application/zip', () => Promise.resolve({}));
  expect(await download()).toBe('');
  expect(downloaded).toEqual(['my-sysdesign-work.zip']);
});

test('a log-in page is not taken for work', async () => {
  answered('text/html; charset=utf-8', () => Promise.resolve({}));
  expect(await download()).toContain('You may have been logged out.');
  expect(downloaded).toEqual([]);
});

test('a zip that breaks off is told of in words', async () => {
  answered('application/zip', () => Promise.reject(new TypeError('network')));
  expect(await download()).toContain('The Jupyter server does not answer.');
  expect(downloaded).toEqual([]);
});
