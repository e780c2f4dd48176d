import type { StreamEvent } from '../../src/api/events';
import { ApiError, optional } from '../../src/api/problem';
import type { IConnection } from '../../src/connection/choose';
import { EventHub } from '../../src/connection/hub';
import { Session, type Link } from '../../src/connection/session';
import { samples, ScriptedTransport, settle } from '../transport';

const ENV = 'GET /v1/environments/env';

let transport: ScriptedTransport;
let hub: EventHub;
let session: Session;
let links: Link['state'][];
let events: StreamEvent[];
let loads: number;
let failing: ApiError | null;

function connect(through: ScriptedTransport): void {
  transport = through;
  hub = new EventHub('env', transport);
  links = [];
  events = [];
  loads = 0;
  failing = null;
  const connection: IConnection = {
    transport,
    hub: () => hub,
    dispose: () => undefined
  };
  session = new Session(connection, 'env', {
    onEnvironment: () => undefined,
    load: () => {
      loads += 1;
      return failing ? Promise.reject(failing) : Promise.resolve();
    },
    onEvents: batch => events.push(...batch),
    onLink: link => links.push(link.state)
  });
}

beforeEach(() => {
  jest.useFakeTimers();
  connect(new ScriptedTransport());
});

afterEach(() => {
  session.pause();
  hub.dispose();
  jest.useRealTimers();
});

test('first the state, then the events after it', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 41 });
  session.resume();
  await settle();
  expect(loads).toBe(1);
  expect(transport.stream.after).toBe(41);
  transport.stream.opened();
  transport.stream.events(samples(42, 1));
  jest.advanceTimersByTime(20);
  expect(events.map(({ seq }) => seq)).toEqual([42]);
  expect(links.at(-1)).toBe('live');
});

test('paused it costs nothing, and goes on where it was', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  session.resume();
  await settle();
  transport.stream.opened();
  transport.stream.events(samples(1, 3));
  jest.advanceTimersByTime(20);
  session.pause();
  jest.advanceTimersByTime(5000);
  expect(transport.stream.left).toBe(true);
  session.resume();
  await settle();
  expect(loads).toBe(1);
  expect(transport.stream.after).toBe(3);
});

test('an environment that does not exist yet is waited for', async () => {
  transport.answers.set('GET /v1/environments?no_track_activity=1', []);
  session.resume();
  await settle();
  expect(links).toEqual(['missing']);
  jest.advanceTimersByTime(3000);
  await settle();
  transport.answers.set('GET /v1/environments?no_track_activity=1', [
    { id: 'other' },
    { id: 'env' }
  ]);
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  jest.advanceTimersByTime(3000);
  await settle();
  expect(transport.opened).toHaveLength(1);
  expect(
    transport.requests.filter(({ path }) => path === '/v1/environments/env')
  ).toHaveLength(2);
});

test('something else that is not there is no reason to wait', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  failing = new ApiError('There is no run', 'not_found', 404);
  session.resume();
  await settle();
  expect(links).toEqual(['failed']);
});

test('no answer: it tries again by itself; a refusal: it does not', async () => {
  transport.answers.set(ENV, new ApiError('gone', 'unreachable', 0));
  session.resume();
  await settle();
  expect(links).toEqual(['waiting']);
  transport.answers.set(ENV, new ApiError('no', 'forbidden', 403));
  jest.advanceTimersByTime(1000);
  await settle();
  expect(links).toEqual(['waiting', 'failed']);
  const asked = transport.requests.length;
  jest.advanceTimersByTime(60_000);
  await settle();
  expect(transport.requests).toHaveLength(asked);
});

test('after a gap everything is fetched anew, not more often than every two seconds', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  session.resume();
  await settle();
  transport.stream.opened();
  const gap = (seq: number): StreamEvent => ({
    seq,
    ts: 0,
    type: 'gap',
    data: { missed_from: 1, missed_to: seq }
  });
  transport.stream.events([gap(5)]);
  jest.advanceTimersByTime(20);
  transport.stream.events([gap(6)]);
  jest.advanceTimersByTime(1900);
  await settle();
  expect(loads).toBe(1);
  jest.advanceTimersByTime(200);
  await settle();
  expect(loads).toBe(2);
});

test('paused before it has fetched anew after a gap, it does so when it goes on', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  session.resume();
  await settle();
  transport.stream.opened();
  const gap: StreamEvent = {
    seq: 5,
    ts: 0,
    type: 'gap',
    data: { missed_from: 1, missed_to: 5 }
  };
  transport.stream.events([gap]);
  jest.advanceTimersByTime(20);
  session.pause();
  jest.advanceTimersByTime(5000);
  expect(loads).toBe(1);
  transport.answers.set(ENV, { id: 'env', last_seq: 9 });
  session.resume();
  await settle();
  expect(loads).toBe(2);
  session.pause();
  session.resume();
  await settle();
  expect(loads).toBe(2);
});

test('paused while the kernel is busy, it fetches when it goes on', async () => {
  connect(new ScriptedTransport('comm'));
  transport.answers.set(ENV, { id: 'env', last_seq: 3 });
  session.resume();
  session.pause();
  await settle();
  expect(loads).toBe(0);
  session.resume();
  await settle();
  expect(loads).toBe(1);
});

test('a removed environment is missing again', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  session.resume();
  await settle();
  transport.stream.opened();
  transport.answers.delete(ENV);
  transport.stream.closed(new ApiError('removed', 'not_found', 404));
  jest.advanceTimersByTime(10);
  await settle();
  expect(links.at(-1)).toBe('missing');
});

test('what was missing before nobody answered is missing afterwards', async () => {
  const list = 'GET /v1/environments?no_track_activity=1';
  transport.answers.set(list, []);
  session.resume();
  await settle();
  expect(links).toEqual(['missing']);
  transport.answers.set(list, new ApiError('gone', 'unreachable', 0));
  jest.advanceTimersByTime(3000);
  await settle();
  expect(links.at(-1)).toBe('waiting');
  transport.answers.set(list, []);
  jest.advanceTimersByTime(3000);
  await settle();
  expect(links).toEqual(['missing', 'waiting', 'missing']);
  jest.advanceTimersByTime(3000);
  await settle();
  expect(links).toHaveLength(3); // who looks on is not told the same again
});

test('an answer that comes after it was asked for anew is left out', async () => {
  transport.answers.set(ENV, { id: 'env', last_seq: 0 });
  const logs = 'GET /v1/environments/env/logs?tail=1';
  const shown: unknown[] = [];
  const connection = { transport, hub: () => hub, dispose: () => undefined };
  session = new Session(connection, 'env', {
    onEnvironment: () => undefined,
    load: async api => {
      shown.push(await optional(api.logs('env', null, 1)));
    },
    onEvents: () => undefined,
    onLink: link => links.push(link.state)
  });
  let late: (answer: unknown) => void = () => undefined;
  let lost: (error: unknown) => void = () => undefined;
  const first = new Promise(resolve => (late = resolve));
  const second = new Promise((_, reject) => (lost = reject));
  for (const answer of [first, second, 'new']) {
    transport.answers.set(logs, answer);
    session.reload();
    await settle();
  }
  late('old');
  lost(new ApiError('gone', 'not_found', 404));
  await settle();
  expect(shown).toEqual(['new']);
  expect(links).not.toContain('failed');
});
