/** A widget model and a control plane that only remember what they were given. */

import { ApiError } from '../src/api/problem';
import type { StreamEvent } from '../src/api/events';
import type {
  IStreamSink,
  ITransport,
  Method
} from '../src/connection/transport';
import type { IAnyModel } from '../src/widget/model';

export function fakeModel(traits: Record<string, unknown>): IAnyModel {
  const values = { ...traits };
  return {
    get: name => values[name],
    set: (name, value) => {
      values[name] = value;
    },
    save_changes: () => undefined,
    send: () => undefined,
    on: () => undefined,
    off: () => undefined,
    widget_manager: { has_model: () => true }
  };
}

export interface IFakeAnswers {
  /** By `METHOD path` without its query. */
  answers: Partial<Record<string, unknown>>;
  events?: readonly StreamEvent[];
  /** The stream breaks after its events. */
  lost?: boolean;
  /** No answer at all. */
  dead?: boolean;
}

export class FakeTransport implements ITransport {
  readonly name = 'server';

  constructor(private readonly _given: IFakeAnswers) {}

  request(method: Method, path: string): Promise<unknown> {
    const key = `${method} ${path.replace(/\?.*/, '')}`;
    if (this._given.dead) {
      return Promise.reject(new ApiError('No answer.', 'unreachable', 0));
    }
    const answer = this._given.answers[key];
    if (answer instanceof ApiError) {
      return Promise.reject(answer);
    }
    return answer === undefined
      ? Promise.reject(new ApiError(`Nothing at ${key}`, 'not_found', 404))
      : Promise.resolve(answer);
  }

  open(_environment: string, _after: number, sink: IStreamSink): () => void {
    const timer = setTimeout(() => {
      sink.opened();
      sink.events(this._given.events ?? []);
      if (this._given.lost) {
        setTimeout(() => {
          sink.closed(null);
        }, 200);
      }
    }, 50);
    return () => {
      clearTimeout(timer);
    };
  }
}
