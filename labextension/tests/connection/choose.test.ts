import { connect } from '../../src/connection/choose';
import { page } from '../../src/connection/page';
import type { IServer } from '../../src/connection/server';

const model = {
  send: () => undefined,
  on: () => undefined,
  off: () => undefined
};

function server(status: number, body: unknown): IServer {
  return {
    fetch: jest.fn(() =>
      Promise.resolve({
        ok: status < 400,
        status,
        text: () => Promise.resolve(JSON.stringify(body))
      } as Response)
    ),
    socket: () => ({ close: () => undefined }) as WebSocket
  };
}

beforeEach(() => {
  const shared = page();
  shared.server = null;
  shared.transport = null;
  shared.hubs.clear();
});

test('views of a page share the server and the hub of an environment', async () => {
  const found = server(200, { version: '1' });
  page().server = found;
  const [one, two] = await Promise.all([connect(model), connect(model)]);
  expect(one.transport.name).toBe('server');
  expect(two.transport).toBe(one.transport);
  expect(two.hub('env')).toBe(one.hub('env'));
  expect(found.fetch).toHaveBeenCalledTimes(1);
});

test('no server at all: the kernel helps, and each view has its own hub', async () => {
  const one = await connect(model);
  const two = await connect(model);
  expect(one.transport.name).toBe('comm');
  expect(two.hub('env')).not.toBe(one.hub('env'));
  one.dispose();
  two.dispose();
});

test('a server without the extension: the kernel helps', async () => {
  page().server = server(404, { message: 'Not Found' });
  expect((await connect(model)).transport.name).toBe('comm');
});

test('a server that refuses is shown with its refusal', async () => {
  page().server = server(403, { message: 'Forbidden' });
  const { transport } = await connect(model);
  expect(transport.name).toBe('server');
  await expect(transport.request('GET', '/v1')).rejects.toMatchObject({
    code: 'forbidden'
  });
});
