import { pageServer } from '../../src/connection/pageserver';

function configure(config: unknown): void {
  document.body.innerHTML = '';
  const script = document.createElement('script');
  script.id = 'jupyter-config-data';
  script.type = 'application/json';
  script.textContent = JSON.stringify(config);
  document.body.append(script);
}

afterEach(() => {
  document.body.innerHTML = '';
});

test('no configuration, no server', () => {
  expect(pageServer()).toBeNull();
});

test('requests stay below the base URL and carry the cookie', async () => {
  configure({ baseUrl: '/user/x/' });
  document.cookie = '_xsrf=2|abc';
  const fetched = jest.fn(() => Promise.resolve({} as Response));
  globalThis.fetch = fetched;
  await pageServer()?.fetch('v1/environments?x=1', { method: 'POST' });
  const [url, init] = fetched.mock.calls[0] as unknown as [URL, RequestInit];
  expect(url.href).toBe(
    'http://localhost/user/x/sysdesign/v1/environments?x=1'
  );
  const headers = new Headers(init.headers);
  expect(headers.get('X-XSRFToken')).toBe('2|abc');
  expect(headers.has('Authorization')).toBe(false);
});

test('a token of the page goes with requests and sockets', async () => {
  configure({ baseUrl: '/lab-base', token: 'secret' });
  const fetched = jest.fn(() => Promise.resolve({} as Response));
  globalThis.fetch = fetched;
  const made: URL[] = [];
  globalThis.WebSocket = class {
    constructor(url: URL) {
      made.push(url);
    }
  } as unknown as typeof WebSocket;
  await pageServer()?.fetch('v1', {});
  pageServer()?.socket('v1/environments/e/events?after=3');
  const [, init] = fetched.mock.calls[0] as unknown as [URL, RequestInit];
  expect(new Headers(init.headers).get('Authorization')).toBe('token secret');
  expect(made[0]?.href).toBe(
    'ws://localhost/lab-base/sysdesign/v1/environments/e/events?after=3&token=secret'
  );
});
