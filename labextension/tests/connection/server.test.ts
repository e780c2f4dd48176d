import { ServerTransport, type IServer } from '../../src/connection/server';
import { samples } from '../transport';

class Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  close = jest.fn();
}

function serverOf(
  status: number,
  text: string
): IServer & { socketOf: Socket } {
  const socketOf = new Socket();
  return {
    socketOf,
    fetch: jest.fn(() =>
      Promise.resolve({
        ok: status < 400,
        status,
        text: () => Promise.resolve(text)
      } as Response)
    ),
    socket: jest.fn(() => socketOf as unknown as WebSocket)
  };
}

test('a request carries its body as JSON and gives the answer', async () => {
  const server = serverOf(200, '{"id": "x"}');
  const transport = new ServerTransport(server);
  await expect(
    transport.request('POST', '/v1/environments', { workspace: 'w' })
  ).resolves.toEqual({ id: 'x' });
  expect(server.fetch).toHaveBeenCalledWith(
    'v1/environments',
    expect.objectContaining({ method: 'POST', body: '{"workspace":"w"}' })
  );
});

test('no content is null', async () => {
  const transport = new ServerTransport(serverOf(204, ''));
  await expect(transport.request('DELETE', '/v1/x')).resolves.toBeNull();
});

test.each([
  [409, '{"code":"conflict","message":"m","hint":"h"}', 'conflict', false],
  [403, '{"message":"Forbidden"}', 'forbidden', false],
  [404, '<html>404</html>', 'no_extension', false],
  [404, '{"code":"not_found","message":"m"}', 'not_found', false],
  [502, '<html>Bad gateway</html>', 'http_error', true],
  [503, '{"code":"unavailable","message":"m"}', 'unavailable', true],
  [200, '<html>log in</html>', 'forbidden', false]
])('status %i with %s is %s', async (status, text, code, transient) => {
  const transport = new ServerTransport(serverOf(status, text));
  await expect(transport.request('GET', '/v1')).rejects.toMatchObject({
    code,
    transient
  });
});

test('no server is said to be unreachable', async () => {
  const server = serverOf(200, '');
  server.fetch = () => Promise.reject(new TypeError('Failed to fetch'));
  await expect(
    new ServerTransport(server).request('GET', '/v1')
  ).rejects.toMatchObject({ code: 'unreachable', transient: true });
});

test('a stream asks for what comes after, and passes on what is an event', () => {
  const server = serverOf(200, '');
  const sink = { opened: jest.fn(), events: jest.fn(), closed: jest.fn() };
  new ServerTransport(server).open('a b', 12, sink);
  expect(server.socket).toHaveBeenCalledWith(
    'v1/environments/a%20b/events?after=12'
  );
  const { socketOf } = server;
  socketOf.onopen?.();
  const [event] = samples(13, 1);
  socketOf.onmessage?.({ data: JSON.stringify(event) });
  socketOf.onmessage?.({ data: 'nonsense' });
  expect(sink.events.mock.calls).toEqual([[[event]]]);
  socketOf.onclose?.({ code: 1006, reason: '' });
  expect(sink.closed).toHaveBeenCalledWith(null);
});

test('a close that says why is a problem', () => {
  const server = serverOf(200, '');
  const sink = { opened: jest.fn(), events: jest.fn(), closed: jest.fn() };
  new ServerTransport(server).open('env', 0, sink);
  server.socketOf.onclose?.({ code: 4403, reason: '' });
  expect(sink.closed).toHaveBeenCalledWith(
    expect.objectContaining({ code: 'forbidden' })
  );
});

test('what was left says nothing more', () => {
  const server = serverOf(200, '');
  const sink = { opened: jest.fn(), events: jest.fn(), closed: jest.fn() };
  const leave = new ServerTransport(server).open('env', 0, sink);
  leave();
  server.socketOf.onopen?.();
  server.socketOf.onclose?.({ code: 1000, reason: '' });
  expect(server.socketOf.close).toHaveBeenCalled();
  expect(sink.opened).not.toHaveBeenCalled();
  expect(sink.closed).not.toHaveBeenCalled();
});
