/** How views reach the control plane: through the Jupyter server, or through the widget's comm. */

import type { StreamEvent } from '../api/events';
import type { ApiError } from '../api/problem';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What one attempt at an event stream reports. After `closed` nothing more comes. */
export interface IStreamSink {
  opened(): void;
  events(events: readonly StreamEvent[]): void;
  /** `problem` where the other side said why. */
  closed(problem: ApiError | null): void;
}

export interface ITransport {
  readonly name: 'server' | 'comm';

  /**
   * Send one request; `path` begins with `/v1`.
   *
   * @throws ApiError for everything but a success.
   */
  request(method: Method, path: string, body?: unknown): Promise<unknown>;

  /** Open an environment's events later than `after`; the result ends it, without `closed`. */
  open(environment: string, after: number, sink: IStreamSink): () => void;
}
