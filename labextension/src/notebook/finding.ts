/** Finds the lesson a notebook belongs to, and puts the bar above it. */

import type { DocumentRegistry, DocumentWidget } from '@jupyterlab/docregistry';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { PathExt } from '@jupyterlab/coreutils';
import type { Api } from '../api/client';
import { asProblem, type ApiError } from '../api/problem';
import type { WorkspaceDetail } from '../api/types';
import type { IEnvironments } from '../tokens';
import { LessonBar, type IFound } from './lessonbar';

export interface INotebook {
  panel: DocumentWidget;
  context: DocumentRegistry.Context;
  commands: CommandRegistry;
  environments: IEnvironments;
  api: Api;
}

export class Finding implements IDisposable {
  constructor(private readonly _notebook: INotebook) {
    _notebook.context.pathChanged.connect(this._find, this);
    this._find();
  }

  get isDisposed(): boolean {
    return this._disposed;
  }

  dispose(): void {
    if (this._disposed) {
      return;
    }
    this._disposed = true;
    this._notebook.context.pathChanged.disconnect(this._find, this);
    this._stopWaiting();
    this._show(null);
  }

  private _find(): void {
    void this._ask();
  }

  private async _ask(): Promise<void> {
    this._stopWaiting();
    this._asked += 1;
    const asked = this._asked;
    const { api, context } = this._notebook;
    let workspace: WorkspaceDetail | null = null;
    let problem: ApiError | null = null;
    try {
      workspace = await api.workspaceIn(PathExt.dirname(context.localPath));
    } catch (error) {
      problem = asProblem(error);
    }
    if (asked !== this._asked || this._disposed) {
      return;
    }
    if (problem && NO_LESSON.has(problem.code)) {
      this._show(null);
      return;
    }
    this._show({ workspace, problem });
    if (problem) {
      this._notebook.environments.changed.connect(this._again, this);
    }
  }

  /** The list of environments came through: so will we. */
  private _again(): void {
    if (this._notebook.environments.health.state === 'ok') {
      this._find();
    }
  }

  private _stopWaiting(): void {
    this._notebook.environments.changed.disconnect(this._again, this);
  }

  private _show(found: IFound | null): void {
    if (!found) {
      this._bar?.dispose();
      this._bar = null;
    } else if (this._bar) {
      this._bar.found = found;
    } else {
      this._bar = new LessonBar(this._notebook, found, () => {
        this._find();
      });
      this._notebook.panel.contentHeader.addWidget(this._bar);
    }
  }

  private _disposed = false;
  private _asked = 0;
  private _bar: LessonBar | null = null;
}

/** Of these folders the server knows for certain that no lesson lives there. */
const NO_LESSON: ReadonlySet<string> = new Set([
  'not_found',
  'outside_root',
  'invalid_request'
]);
