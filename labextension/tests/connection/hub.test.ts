import type { StreamEvent } from '../../src/api/events';
import { ApiError } from '../../src/api/problem';
import { EventHub, type StreamStatus } from '../../src/connection/hub';
import { samples, ScriptedTransport, settle } from '../transport';

let transport: ScriptedTransport;
let hub: EventHub;

class Reader {
  readonly batches: number[][] = [];
  readonly events: StreamEvent[] = [];
  status: StreamStatus = { state: 'connecting' };
  readonly leave: () => void;

  constructor(after = 0) {
    this.leave = hub.subscribe({
      after,
      onEvents: events => {
        this.batches.push(events.map(({ seq }) => seq));
        this.events.push(...events);
      },
      onStatus: status => {
        this.status = status;
      }
    });
  }

  get seqs(): number[] {
    return this.events.map(({ seq }) => seq);
  }
}

const frame = (): void => {
  jest.advanceTimersByTime(20);
};

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
  hub = new EventHub('env', transport);
});

afterEach(() => {
  hub.dispose();
  expect(jest.getTimerCount()).toBe(0);
  jest.useRealTimers();
});

test('several readers share one stream', () => {
  const first = new Reader();
  const second = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 3));
  frame();
  expect(transport.opened).toHaveLength(1);
  expect(first.seqs).toEqual([1, 2, 3]);
  expect(second.seqs).toEqual([1, 2, 3]);
  expect(second.status).toEqual({ state: 'live' });
});

test('events of one frame arrive as one batch', () => {
  const reader = new Reader();
  transport.stream.opened();
  samples(1, 5).forEach(event => {
    transport.stream.events([event]);
  });
  expect(reader.batches).toEqual([]);
  frame();
  expect(reader.batches).toEqual([[1, 2, 3, 4, 5]]);
});

test('a lost stream resumes after the last event, and nothing comes twice', () => {
  const reader = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 3));
  frame();
  transport.stream.closed(null);
  expect(reader.status).toEqual({ state: 'waiting', attempt: 1 });
  jest.advanceTimersByTime(1000);
  expect(transport.opened).toHaveLength(2);
  expect(transport.stream.after).toBe(3);
  transport.stream.opened();
  expect(reader.status).toEqual({ state: 'live' });
  transport.stream.events(samples(2, 4)); // a server that repeats itself
  frame();
  expect(reader.seqs).toEqual([1, 2, 3, 4, 5]);
});

test('a late reader gets what it missed from memory', () => {
  new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 5));
  frame();
  const late = new Reader(2);
  frame();
  expect(late.seqs).toEqual([3, 4, 5]);
  expect(transport.opened).toHaveLength(1);
});

test('a reader that knows more than the others gets nothing it has', () => {
  const all = new Reader(0);
  const some = new Reader(4);
  transport.stream.opened();
  transport.stream.events(samples(1, 5));
  frame();
  expect(all.seqs).toEqual([1, 2, 3, 4, 5]);
  expect(some.seqs).toEqual([5]);
});

test('where memory does not reach back, a gap says so', () => {
  new Reader(100);
  transport.stream.opened();
  transport.stream.events(samples(101, 3));
  frame();
  const late = new Reader(10);
  frame();
  expect(late.events).toMatchObject([
    { type: 'gap', seq: 103, data: { missed_from: 11, missed_to: 103 } }
  ]);
  transport.stream.events(samples(104, 1));
  frame();
  expect(late.seqs).toEqual([103, 104]);
});

test('waits grow while nothing answers, and the server says when to stop', async () => {
  const reader = new Reader();
  transport.answers.set(
    'GET /v1/environments/env',
    new ApiError('gone', 'unreachable', 0)
  );
  for (let attempt = 1; attempt <= 4; attempt += 1) {
    if (attempt === 1) {
      transport.stream.closed(null);
    }
    expect(reader.status).toEqual({ state: 'waiting', attempt });
    jest.advanceTimersByTime(10_000);
    await settle();
  }
  expect(transport.opened).toHaveLength(1); // asking over HTTP is enough while that fails
  transport.answers.set(
    'GET /v1/environments/env',
    new ApiError('no such environment', 'not_found', 404)
  );
  jest.advanceTimersByTime(10_000);
  await settle();
  expect(reader.status).toMatchObject({
    state: 'ended',
    problem: { code: 'not_found' }
  });
});

/** A reader whose place in history the server refuses, until it begins anew. */
async function unknownPlace(): Promise<Reader> {
  const reader = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 7));
  frame();
  transport.answers.set('GET /v1/environments/env', { id: 'env' });
  transport.stream.closed(null);
  for (let attempt = 0; attempt < 3; attempt += 1) {
    jest.advanceTimersByTime(10_000);
    await settle();
    if (transport.stream.after > 0) {
      transport.stream.closed(null); // refused at the handshake
    }
  }
  return reader;
}

test('a place in history that the server does not know starts anew, with a gap', async () => {
  const reader = await unknownPlace();
  expect(transport.stream.after).toBe(0);
  transport.stream.opened();
  transport.stream.events(samples(1, 2));
  frame();
  expect(reader.events.slice(7).map(({ type, seq }) => [type, seq])).toEqual([
    ['gap', 7],
    ['metric.sample', 1],
    ['metric.sample', 2]
  ]);
});

test('a gap alone takes nothing of what comes after it', async () => {
  const reader = await unknownPlace();
  transport.stream.opened();
  frame();
  expect(reader.events.at(-1)?.type).toBe('gap');
  transport.stream.events(samples(1, 2));
  frame();
  expect(reader.seqs.slice(-2)).toEqual([1, 2]);
});

test('what was removed is forgotten: made again, it begins at 1', () => {
  const gone = new Reader();
  const stays = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 7));
  frame();
  transport.stream.closed(new ApiError('no such', 'not_found', 404));
  gone.leave();
  frame();
  const fresh = new Reader(2);
  expect(transport.stream.after).toBe(0);
  transport.stream.opened();
  transport.stream.events(samples(1, 3));
  frame();
  expect(fresh.seqs).toEqual([3]);
  expect(stays.seqs.slice(-3)).toEqual([1, 2, 3]);
});

test('a refusal ends it until somebody tries again', () => {
  const reader = new Reader();
  transport.stream.closed(new ApiError('no', 'forbidden', 403));
  expect(reader.status).toMatchObject({ state: 'ended' });
  jest.advanceTimersByTime(60_000);
  expect(transport.opened).toHaveLength(1);
  hub.wake();
  expect(transport.opened).toHaveLength(2);
  transport.stream.opened();
  expect(reader.status).toEqual({ state: 'live' });
});

test('nobody looks: the stream closes a moment later, and comes back where it was', () => {
  const reader = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 4));
  frame();
  reader.leave();
  new Reader(4).leave(); // scrolled past
  expect(transport.stream.left).toBe(false);
  jest.advanceTimersByTime(5000);
  expect(transport.stream.left).toBe(true);
  new Reader(4);
  expect(transport.stream.after).toBe(4);
});

test('after a sleep the socket is not believed', () => {
  const reader = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 2));
  frame();
  jest.setSystemTime(Date.now() + 3_600_000);
  jest.advanceTimersByTime(5000);
  expect(transport.opened[0]?.left).toBe(true);
  expect(reader.status).toEqual({ state: 'waiting', attempt: 1 });
  transport.stream.opened();
  expect(transport.stream.after).toBe(2);
  expect(reader.status).toEqual({ state: 'live' });
});

test('being online again ends the waiting', () => {
  new Reader();
  transport.stream.opened();
  transport.stream.closed(null);
  window.dispatchEvent(new Event('online'));
  expect(transport.opened).toHaveLength(2);
});

test('a reader that was not drawn for long loses samples, never states', () => {
  const reader = new Reader();
  transport.stream.opened();
  transport.stream.events(samples(1, 6000));
  transport.stream.events([
    { seq: 6001, ts: 1, type: 'file.saved', data: { path: 'app/server.py' } }
  ]);
  frame();
  expect(reader.events.map(({ type }) => type)).toEqual(['file.saved']);
});
