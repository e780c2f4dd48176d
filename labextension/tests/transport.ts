/** A transport that does what a test says, and writes down what it was asked. */

import type { StreamEvent } from '../src/api/events';
import { ApiError } from '../src/api/problem';
import type {
  IStreamSink,
  ITransport,
  Method
} from '../src/connection/transport';

export interface IOpened extends IStreamSink {
  environment: string;
  after: number;
  /** Ended from our side. */
  left: boolean;
}

export class ScriptedTransport implements ITransport {
  constructor(readonly name: ITransport['name'] = 'server') {}

  readonly opened: IOpened[] = [];
  readonly requests: { method: Method; path: string; body: unknown }[] = [];
  /** By `METHOD path`; an ApiError is thrown. */
  readonly answers = new Map<string, unknown>();

  request(method: Method, path: string, body?: unknown): Promise<unknown> {
    this.requests.push({ method, path, body });
    const answer = this.answers.get(`${method} ${path}`);
    if (answer instanceof ApiError) {
      return Promise.reject(answer);
    }
    return answer === undefined
      ? Promise.reject(new ApiError('not there', 'not_found', 404))
      : Promise.resolve(answer);
  }

  open(environment: string, after: number, sink: IStreamSink): () => void {
    const stream: IOpened = {
      environment,
      after,
      left: false,
      opened: () => {
        sink.opened();
      },
      events: events => {
        sink.events(events);
      },
      closed: problem => {
        sink.closed(problem);
      }
    };
    this.opened.push(stream);
    return () => {
      stream.left = true;
    };
  }

  /** The newest stream. */
  get stream(): IOpened {
    const newest = this.opened.at(-1);
    if (!newest) {
      throw new Error('no stream was opened');
    }
    return newest;
  }
}

/** `count` events from `first` on. */
export function samples(first: number, count: number): StreamEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    seq: first + index,
    ts: first + index,
    type: 'metric.sample',
    data: { values: { 'app.cpu_cores': index } }
  }));
}

/** Let promises settle while timers are fake. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) {
    await Promise.resolve();
  }
}
