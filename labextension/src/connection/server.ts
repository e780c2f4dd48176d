/** Transport through the Jupyter server: HTTP and WebSocket under `<base>sysdesign/`. */

import { isStreamEvent } from '../api/events';
import { ApiError, problemOf, unreachable } from '../api/problem';
import type { IStreamSink, ITransport, Method } from './transport';

/** A Jupyter server as this page knows it. Holds no state that outlives the page. */
export interface IServer {
  /** Fetch `path` (`v1/…`, below `<base>sysdesign/`) with the page's identity. */
  fetch(path: string, init: RequestInit): Promise<Response>;
  socket(path: string): WebSocket;
}

/** Where our part of a Jupyter server begins. */
export const NAMESPACE = 'sysdesign';

// The server says why it ended a stream with these codes (4000 + the HTTP status).
const PRIVATE_CODES = 4000;

export class ServerTransport implements ITransport {
  readonly name = 'server';

  constructor(private readonly _server: IServer) {}

  async request(
    method: Method,
    path: string,
    body?: unknown
  ): Promise<unknown> {
    const init: RequestInit = { method, cache: 'no-store' };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    let response: Response;
    let text: string;
    try {
      response = await this._server.fetch(path.replace(/^\//, ''), init);
      text = await response.text();
    } catch {
      throw unreachable();
    }
    const parsed = parse(text);
    if (!response.ok) {
      throw problemOf(response.status, parsed);
    }
    if (parsed === undefined && text !== '') {
      // A proxy's log-in page is a success in the eyes of HTTP.
      throw problemOf(403, undefined);
    }
    return parsed ?? null;
  }

  open(environment: string, after: number, sink: IStreamSink): () => void {
    const socket = this._server.socket(
      `v1/environments/${encodeURIComponent(environment)}/events?after=${after}`
    );
    let ended = false;
    socket.onopen = () => {
      if (!ended) {
        sink.opened();
      }
    };
    socket.onmessage = (message: MessageEvent<unknown>) => {
      const event =
        typeof message.data === 'string' ? parse(message.data) : undefined;
      if (!ended && isStreamEvent(event)) {
        sink.events([event]);
      }
    };
    socket.onclose = (event: CloseEvent) => {
      if (!ended) {
        ended = true;
        sink.closed(closeProblem(event));
      }
    };
    return () => {
      ended = true;
      socket.close();
    };
  }
}

function closeProblem(event: CloseEvent): ApiError | null {
  const status = event.code - PRIVATE_CODES;
  if (status < 400 || status > 599) {
    return null;
  }
  const body = parse(event.reason);
  return body === undefined && event.reason
    ? new ApiError(event.reason, 'http_error', status)
    : problemOf(status, body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
