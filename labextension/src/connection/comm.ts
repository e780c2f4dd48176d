/**
 * Transport through the widget's own comm: `View` in Python asks the control plane for us.
 *
 * A model may have several views, and all of them hear what Python sends: a message says whose it is.
 */

import { isStreamEvent } from '../api/events';
import { asNumber, isRecord } from '../api/guards';
import { ApiError, problemOf } from '../api/problem';
import { t } from '../i18n';
import type { IStreamSink, ITransport, Method } from './transport';

/** The part of a widget model that carries messages. */
export interface IMessageModel {
  send(content: unknown): void;
  on(event: 'msg:custom', callback: (content: unknown) => void): void;
  off(event: 'msg:custom', callback: (content: unknown) => void): void;
}

const PATIENCE_MS = 30_000;

export class CommTransport implements ITransport {
  readonly name = 'comm';

  constructor(private readonly _model: IMessageModel) {
    _model.on('msg:custom', this._receive);
  }

  request(method: Method, path: string, body?: unknown): Promise<unknown> {
    this._lastId += 1;
    const id = this._lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this._waiting.delete(id);
        reject(
          new ApiError(
            t('The kernel does not answer.'),
            'kernel_busy',
            0,
            t(
              'It may be busy with a cell, or stopped. Wait for the cell, or run the first cell again.'
            )
          )
        );
      }, PATIENCE_MS);
      this._waiting.set(id, reply => {
        clearTimeout(timer);
        const status = asNumber(reply['status']) ?? 500;
        if (status >= 400) {
          reject(problemOf(status, reply['body']));
        } else {
          resolve(reply['body'] ?? null);
        }
      });
      this._send({ id, request: { method, path, body: body ?? null } });
    });
  }

  open(environment: string, after: number, sink: IStreamSink): () => void {
    this._sinks.get(environment)?.closed(null);
    this._sinks.set(environment, sink);
    this._opened.delete(environment);
    this._send({ subscribe: { environment, after } });
    return () => {
      if (this._sinks.get(environment) === sink) {
        this._sinks.delete(environment);
        this._send({ unsubscribe: { environment } });
      }
    };
  }

  /** Stop listening; everything that still waits is left alone. */
  dispose(): void {
    this._model.off('msg:custom', this._receive);
    this._sinks.clear();
  }

  private readonly _receive = (content: unknown): void => {
    if (!isRecord(content)) {
      return;
    }
    const view = content['view'] ?? null;
    if (view !== null && view !== this._view) {
      return;
    }
    const id = asNumber(content['id']);
    if (id !== null && isRecord(content['response'])) {
      const settle = this._waiting.get(id);
      this._waiting.delete(id);
      settle?.(content['response']);
      return;
    }
    const environment = content['environment'];
    const sink =
      typeof environment === 'string' ? this._sinks.get(environment) : null;
    if (!sink || typeof environment !== 'string') {
      return;
    }
    if (Array.isArray(content['events'])) {
      if (!this._opened.has(environment)) {
        this._opened.add(environment);
        sink.opened();
      }
      sink.events(content['events'].filter(isStreamEvent));
    }
    if (content['closed'] === true) {
      this._sinks.delete(environment);
      sink.closed(null);
    }
  };

  private _send(content: Readonly<Record<string, unknown>>): void {
    this._model.send({ view: this._view, ...content });
  }

  private readonly _view = Math.random().toString(36).slice(2);
  private _lastId = 0;
  private readonly _waiting = new Map<
    number,
    (reply: Record<string, unknown>) => void
  >();
  private readonly _sinks = new Map<string, IStreamSink>();
  private readonly _opened = new Set<string>();
}
