import { CommTransport } from '../../src/connection/comm';
import { samples } from '../transport';

class Kernel {
  /** What came, without the view it came from. */
  readonly sent: unknown[] = [];
  readonly views: unknown[] = [];
  private _listeners = new Set<(content: unknown) => void>();

  send(content: unknown): void {
    const { view, ...rest } = content as Record<string, unknown>;
    this.views.push(view);
    this.sent.push(rest);
  }
  on(_event: string, callback: (content: unknown) => void): void {
    this._listeners.add(callback);
  }
  off(_event: string, callback: (content: unknown) => void): void {
    this._listeners.delete(callback);
  }
  says(content: unknown): void {
    this._listeners.forEach(listener => {
      listener(content);
    });
  }
}

let kernel: Kernel;
let transport: CommTransport;

beforeEach(() => {
  kernel = new Kernel();
  transport = new CommTransport(kernel);
});

test('answers find their requests, in whatever order they come', async () => {
  const first = transport.request('GET', '/v1/lessons');
  const second = transport.request('PUT', '/v1/x', { value: 1 });
  expect(kernel.sent).toEqual([
    { id: 1, request: { method: 'GET', path: '/v1/lessons', body: null } },
    { id: 2, request: { method: 'PUT', path: '/v1/x', body: { value: 1 } } }
  ]);
  kernel.says({ id: 2, response: { status: 200, body: 'two' } });
  kernel.says({ id: 1, response: { status: 200, body: 'one' } });
  await expect(first).resolves.toBe('one');
  await expect(second).resolves.toBe('two');
});

test('a problem is thrown as what it is', async () => {
  const asked = transport.request('POST', '/v1/environments');
  const body = { code: 'conflict', message: 'It is starting', hint: 'Wait.' };
  kernel.says({ id: 1, response: { status: 409, body } });
  await expect(asked).rejects.toMatchObject({ status: 409, ...body });
});

test('a kernel that does not answer is said to be busy', async () => {
  jest.useFakeTimers();
  const asked = transport.request('GET', '/v1');
  const caught = expect(asked).rejects.toMatchObject({
    code: 'kernel_busy',
    transient: true
  });
  jest.advanceTimersByTime(31_000);
  await caught;
  jest.useRealTimers();
});

test('events come for the environment that was asked for, until it is left', () => {
  const sink = { opened: jest.fn(), events: jest.fn(), closed: jest.fn() };
  const leave = transport.open('one', 7, sink);
  expect(kernel.sent).toEqual([
    { subscribe: { environment: 'one', after: 7 } }
  ]);
  kernel.says({ environment: 'other', events: samples(1, 1) });
  expect(sink.opened).not.toHaveBeenCalled();
  kernel.says({ environment: 'one', events: [] });
  kernel.says({ environment: 'one', events: [...samples(8, 2), 'nonsense'] });
  expect(sink.opened).toHaveBeenCalledTimes(1);
  expect(sink.events).toHaveBeenLastCalledWith(samples(8, 2));
  leave();
  expect(kernel.sent.at(-1)).toEqual({ unsubscribe: { environment: 'one' } });
  kernel.says({ environment: 'one', closed: true });
  expect(sink.closed).not.toHaveBeenCalled();
});

test('views of one model do not take what is for another', async () => {
  const other = new CommTransport(kernel);
  const asked = transport.request('GET', '/v1/lessons');
  const otherAsked = other.request('GET', '/v1');
  const [view, otherView] = kernel.views;
  expect(view).not.toBe(otherView);
  kernel.says({
    view: otherView,
    id: 1,
    response: { status: 200, body: 'two' }
  });
  kernel.says({ view, id: 1, response: { status: 200, body: 'one' } });
  await expect(asked).resolves.toBe('one');
  await expect(otherAsked).resolves.toBe('two');

  const sinks = [transport, other].map(each => {
    const sink = { opened: jest.fn(), events: jest.fn(), closed: jest.fn() };
    each.open('one', 7, sink);
    return sink;
  });
  kernel.says({ view, environment: 'one', events: samples(8, 1) });
  expect(sinks.map(({ events }) => events.mock.calls.length)).toEqual([1, 0]);
  // What a cell tells while it runs is for everybody.
  kernel.says({ environment: 'one', events: samples(9, 1) });
  expect(sinks.map(({ events }) => events.mock.calls.length)).toEqual([2, 1]);
  kernel.says({ view: otherView, environment: 'one', closed: true });
  expect(sinks.map(({ closed }) => closed.mock.calls.length)).toEqual([0, 1]);
});
