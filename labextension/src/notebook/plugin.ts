/** Plugin `jupyter-sysdesign:notebook`. */

import type {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import { DisposableSet, type IDisposable } from '@lumino/disposable';
import { isRecord, isString } from '../api/guards';
import { IEnvironments, ISysdesignConnection, ITranslations } from '../tokens';

export const notebookPlugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-sysdesign:notebook',
  description:
    "The environment's state and buttons above a notebook that belongs to a lesson.",
  autoStart: true,
  requires: [ITranslations, IEnvironments, ISysdesignConnection],
  activate: (
    app: JupyterFrontEnd,
    _translations: ITranslations,
    environments: IEnvironments,
    connection: ISysdesignConnection
  ): void => {
    app.docRegistry.addWidgetExtension('Notebook', {
      createNew: (
        panel: DocumentWidget,
        context: DocumentRegistry.Context
      ): IDisposable => {
        const made = new DisposableSet();
        void context.ready.then(async () => {
          if (!speaksOfLessons(context)) {
            return;
          }
          const { Finding } = await import('./finding');
          if (!made.isDisposed) {
            made.add(
              new Finding({
                panel,
                context,
                commands: app.commands,
                environments,
                api: connection.api
              })
            );
          }
        });
        return made;
      }
    });
  }
};

/** Any other notebook is left alone, without asking anybody. */
function speaksOfLessons(context: DocumentRegistry.Context): boolean {
  const { sharedModel } = context.model;
  const cells: unknown = 'cells' in sharedModel ? sharedModel.cells : [];
  return (
    Array.isArray(cells) &&
    cells.some(
      cell =>
        isRecord(cell) &&
        isString(cell['source']) &&
        cell['source'].includes('jupyter_sysdesign')
    )
  );
}
