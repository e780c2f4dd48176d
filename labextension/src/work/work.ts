/** All that a learner wrote, to the browser's downloads and back. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { Contents } from '@jupyterlab/services';
import type { Api } from '../api/client';
import { ApiError, problemOf, unreachable } from '../api/problem';
import type { ImportedWorkspace } from '../api/types';
import { labServer } from '../connection/labserver';
import type { IServer } from '../connection/server';
import { t, tn } from '../i18n';
import { told } from '../lab/told';
import type { IEnvironments } from '../tokens';

const NAME = 'my-sysdesign-work.zip';
const ZIP = 'application/zip';
// A request to Jupyter's file manager may have only so much in it.
const CHUNK_BYTES = 1 << 20;

export class Work {
  constructor(
    app: JupyterFrontEnd,
    private readonly _environments: IEnvironments,
    private readonly _api: Api
  ) {
    this._server = labServer(app.serviceManager.serverSettings);
    this._contents = app.serviceManager.contents;
  }

  /** Hand all work to the browser's downloads; what goes wrong is said in a notification. */
  async download(): Promise<void> {
    await told(async () => {
      const lost = (): never => {
        throw unreachable();
      };
      const response = await this._server
        .fetch('v1/work', { cache: 'no-store' })
        .catch(lost);
      if (!response.ok) {
        throw problemOf(
          response.status,
          await response.json().catch(() => null)
        );
      }
      if (response.headers.get('Content-Type') !== ZIP) {
        // A proxy's log-in page is a success in the eyes of HTTP.
        throw problemOf(403, null);
      }
      const link = document.createElement('a');
      link.href = URL.createObjectURL(await response.blob().catch(lost));
      link.download = NAME;
      link.click();
      setTimeout(() => {
        URL.revokeObjectURL(link.href);
      });
    });
  }

  /** Ask for a zip and take up the work in it. */
  async upload(): Promise<void> {
    const file = await chosen();
    if (!file) {
      return;
    }
    await told(async () => {
      const path = `sysdesign-upload-${Date.now()}.zip`;
      let imported;
      try {
        await this._send(file, path);
        imported = await this._import(path);
      } finally {
        await this._contents.delete(path).catch(() => undefined);
      }
      if (imported) {
        Notification.success(said(imported), { autoClose: 5000 });
        await this._environments.refresh();
      }
    });
  }

  private async _send(file: File, path: string): Promise<void> {
    const last = Math.max(0, Math.ceil(file.size / CHUNK_BYTES) - 1);
    for (let number = 0; number <= last; number++) {
      const begin = number * CHUNK_BYTES;
      const part = file.slice(begin, begin + CHUNK_BYTES);
      const model: Partial<Contents.IModel> & { chunk: number } = {
        type: 'file',
        format: 'base64',
        content: await base64(part),
        chunk: number === last && number > 0 ? -1 : number + 1
      };
      await this._contents.save(path, model);
    }
  }

  /** Null: there is other work in its place, and it is to stay. */
  private async _import(
    path: string
  ): Promise<readonly ImportedWorkspace[] | null> {
    try {
      return await this._api.importWork(path, false);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 'work_there')) {
        throw error;
      }
      const answer = await showDialog({
        title: t('Replace the work that is there?'),
        body: `${error.message}. ${t('If you replace it, it is kept beside the new one.')}`,
        buttons: [
          Dialog.cancelButton({ label: t('Cancel') }),
          Dialog.warnButton({ label: t('Replace') })
        ],
        defaultButton: 0
      });
      return answer.button.accept ? this._api.importWork(path, true) : null;
    }
  }

  private readonly _server: IServer;
  private readonly _contents: Contents.IManager;
}

function said(imported: readonly ImportedWorkspace[]): string {
  return tn(
    'Your work on one lesson is here.',
    'Your work on {count} lessons is here.',
    imported.length
  );
}

/** Let a person choose a zip; null when they think better of it. */
function chosen(): Promise<File | null> {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = `.zip,${ZIP}`;
  return new Promise(resolve => {
    input.onchange = () => {
      resolve(input.files?.[0] ?? null);
    };
    input.oncancel = () => {
      resolve(null);
    };
    input.click();
  });
}

async function base64(part: Blob): Promise<string> {
  const bytes = new Uint8Array(await part.arrayBuffer());
  let text = '';
  for (const byte of bytes) {
    text += String.fromCharCode(byte);
  }
  return btoa(text);
}
