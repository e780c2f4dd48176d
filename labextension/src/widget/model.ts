/** The widget model as views use it: what Python synced, and where drafts and results go back. */

import { isRecord, isString } from '../api/guards';
import type { IMessageModel } from '../connection/comm';

/** What anywidget hands to `initialize` and `render`. */
export interface IAnyModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  send(content: unknown): void;
  on(event: string, callback: (content: unknown) => void): void;
  off(event: string, callback: (content: unknown) => void): void;
  /** Jupyter's; other hosts have something else, or nothing. */
  widget_manager: unknown;
}

/** Props that every kind has, and the raw rest. */
export interface IProps {
  lesson: string;
  title: string;
  workspace: string;
  environment: string;
  raw: Readonly<Record<string, unknown>>;
}

export class ViewModel implements IMessageModel {
  constructor(private readonly _model: IAnyModel) {}

  get kind(): string {
    const kind = this._model.get('kind');
    return isString(kind) ? kind : '';
  }

  get props(): IProps {
    const raw = this._record('props');
    const text = (name: string): string => {
      const value = raw[name];
      return isString(value) ? value : '';
    };
    return {
      lesson: text('lesson'),
      title: text('title'),
      workspace: text('workspace'),
      environment: text('environment') || text('workspace'),
      raw
    };
  }

  /** One field of the last known state, as Python or an earlier view left it. */
  snapshot(name: string): unknown {
    return this._record('snapshot')[name];
  }

  /** Keep fields of the state in the model, so that it is drawn at once the next time. */
  save(fields: Readonly<Record<string, unknown>>): void {
    this._model.set('snapshot', { ...this._record('snapshot'), ...fields });
    this._model.save_changes();
  }

  /** Call when Python changed the snapshot; the result ends it. */
  onSnapshot(callback: () => void): () => void {
    this._model.on('change:snapshot', callback);
    return () => {
      this._model.off('change:snapshot', callback);
    };
  }

  /** What anywidget made this view from, where it says so. */
  get source(): { script: string; style: string } | null {
    const script = this._model.get('_esm');
    const style = this._model.get('_css');
    return isString(script) && isString(style) ? { script, style } : null;
  }

  send(content: unknown): void {
    this._model.send(content);
  }

  on(event: 'msg:custom', callback: (content: unknown) => void): void {
    this._model.on(event, callback);
  }

  off(event: 'msg:custom', callback: (content: unknown) => void): void {
    this._model.off(event, callback);
  }

  private _record(name: string): Record<string, unknown> {
    const value = this._model.get(name);
    return isRecord(value) ? value : {};
  }
}
