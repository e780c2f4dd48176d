/** The control panel of an environment in a notebook. */

import { ApiError } from '../../src/api/problem';
import { page } from '../../src/connection/page';
import type { ISysdesignSettings } from '../../src/tokens';
import { button, clickAgain, rest, show, type IShown } from '../browser';
import { ScriptedTransport } from '../transport';
import { environment, has } from '../environment';

let transport: ScriptedTransport;
let shown: IShown | undefined;

beforeEach(() => {
  jest.useFakeTimers();
  transport = new ScriptedTransport();
});

afterEach(() => {
  shown?.remove();
  shown = undefined;
  page().settings = null;
  jest.useRealTimers();
});

test('starts what is not there yet, and follows it', async () => {
  shown = await show('panel', transport);
  const { el } = shown;
  expect(el.textContent).toContain('Not started yet');
  has(transport, environment({ state: 'starting' }));
  transport.answers.set(
    'POST /v1/environments',
    environment({ state: 'starting' })
  );
  button(el, 'Start').click();
  await rest();
  expect(transport.requests).toContainEqual({
    method: 'POST',
    path: '/v1/environments',
    body: { workspace: 'w', reuse: true }
  });
  transport.stream.opened();
  transport.stream.events([
    { seq: 6, ts: 1, type: 'environment.state', data: environment() }
  ]);
  await rest();
  expect(el.querySelector('.sd-head')?.textContent).toContain('Ready');
  expect(el.querySelector('.sd-hidden')?.textContent).toBe(
    'Environment: Ready'
  );
});

test('a start asks for what is set, and for the runtime of the notebook before that', async () => {
  const asks = async (
    named: string | null,
    runtime?: 'docker'
  ): Promise<unknown> => {
    page().settings = {
      runtime,
      sampleInterval: 2
    } as unknown as ISysdesignSettings;
    has(transport, environment({ state: 'stopped' }));
    transport.answers.set('POST /v1/environments', environment());
    shown = await show('panel', transport, { runtime: named });
    button(shown.el, 'Start').click();
    await rest();
    shown.remove();
    return transport.requests.find(({ method }) => method === 'POST')?.body;
  };
  const start = { workspace: 'w', reuse: true, sample_interval_s: 2 };
  expect(await asks(null)).toEqual(start);
  transport = new ScriptedTransport();
  expect(await asks(null, 'docker')).toEqual({ ...start, runtime: 'docker' });
  transport = new ScriptedTransport();
  expect(await asks('embedded', 'docker')).toEqual({
    ...start,
    runtime: 'embedded'
  });
});

test('what went wrong stands in its place', async () => {
  has(transport, environment({ state: 'stopped' }));
  transport.answers.set(
    'POST /v1/environments',
    new ApiError('postgres is not installed', 'missing_binary', 424, 'pip …')
  );
  shown = await show('panel', transport);
  button(shown.el, 'Start').click();
  await rest();
  expect(shown.el.querySelector('[role=alert]')?.textContent).toBe(
    'postgres is not installedpip …'
  );
});

test('reset asks first', async () => {
  has(transport, environment());
  transport.answers.set('POST /v1/environments/w/reset', environment());
  shown = await show('panel', transport);
  const { el } = shown;
  button(el, 'Reset …').click();
  await rest();
  expect(document.activeElement?.textContent).toBe('Cancel');
  expect(transport.requests.some(({ method }) => method === 'POST')).toBe(
    false
  );
  button(el, 'Reset the data').click();
  await rest();
  expect(transport.requests.at(-1)?.path).toBe('/v1/environments/w/reset');
});

test('the keyboard is back at the button that asked', async () => {
  has(transport, environment());
  transport.answers.set('POST /v1/environments/w/reset', environment());
  shown = await show('panel', transport);
  const { el } = shown;
  for (const answer of ['Cancel', 'Reset the data']) {
    button(el, 'Reset …').focus();
    button(el, 'Reset …').click();
    await rest();
    button(el, answer).click();
    await rest();
    expect(document.activeElement).toBe(button(el, 'Reset …'));
  }
});

test.each(['before', 'after'])(
  'the keyboard is beside a button that is disabled %s the answer',
  async when => {
    has(transport, environment());
    transport.answers.set(
      'POST /v1/environments/w/reset',
      new Promise(() => 0)
    );
    shown = await show('panel', transport);
    const { el } = shown;
    transport.stream.opened();
    const begins = async (): Promise<void> => {
      const data = environment({ state: 'preparing' });
      transport.stream.events([
        { seq: 6, ts: 1, type: 'environment.state', data }
      ]);
      await rest();
    };
    button(el, 'Reset …').focus();
    button(el, 'Reset …').click();
    await rest();
    if (when === 'before') {
      await begins(); // somebody else has reset it
    }
    button(el, 'Reset the data').click();
    await rest();
    if (when === 'after') {
      await begins();
    }
    expect(button(el, 'Reset …').disabled).toBe(true);
    expect(document.activeElement).toBe(el.querySelector('.sd-head'));
  }
);

test('pending migrations are applied, and what happened is said', async () => {
  has(
    transport,
    environment({ migrations: [{ name: '001-a.sql', state: 'pending' }] })
  );
  transport.answers.set('POST /v1/environments/w/apply', {
    applied: ['001-a.sql'],
    replayed: false,
    message: 'Applied 001-a.sql.'
  });
  shown = await show('panel', transport);
  button(shown.el, 'Apply migrations').click();
  await rest();
  expect(shown.el.textContent).toContain('Applied 001-a.sql.');
});

test('the keyboard goes to what applying did', async () => {
  const migrations = [{ name: '001-a.sql', state: 'pending' as const }];
  has(transport, environment({ migrations }));
  let answer: (value: unknown) => void = () => undefined;
  transport.answers.set(
    'POST /v1/environments/w/apply',
    new Promise(resolve => {
      answer = resolve;
    })
  );
  shown = await show('panel', transport);
  const { el } = shown;
  const apply = button(el, 'Apply migrations');
  apply.focus();
  apply.click();
  await rest();
  transport.stream.opened();
  transport.stream.events([
    {
      seq: 6,
      ts: 1,
      type: 'environment.state',
      data: environment({
        migrations: [{ name: '001-a.sql', state: 'applied' }]
      })
    }
  ]);
  await rest();
  expect(document.activeElement).toBe(apply);
  answer({ message: 'Applied 001-a.sql.' });
  await rest();
  expect(document.activeElement?.textContent).toBe('Applied 001-a.sql.');
});

test.each([
  ['stopped', 'Start'],
  ['ready', 'Stop']
] as const)('%s: a double click does not %s again', async (state, name) => {
  has(transport, environment({ state }));
  shown = await show('panel', transport);
  clickAgain(button(shown.el, name));
  await rest();
  expect(transport.requests.every(({ method }) => method === 'GET')).toBe(true);
});

test('the app is one click away where the lab runs', async () => {
  has(transport, environment({ url: 'http://127.0.0.1:8001' }));
  shown = await show('panel', transport);
  expect(shown.el.querySelector('a')?.href).toBe('http://127.0.0.1:8001/');
});

test('files that take effect together wait, and are applied', async () => {
  has(transport, environment({ pending: ['compose.yaml', 'haproxy.cfg'] }));
  const message = 'Started app2; restarted lb; left running db, app.';
  transport.answers.set('POST /v1/environments/w/apply', {
    applied: [],
    replayed: false,
    message
  });
  shown = await show('panel', transport);
  expect(shown.el.textContent).toContain('2 to apply');
  expect(shown.el.textContent).toContain('haproxy.cfg');
  button(shown.el, 'Apply changes').click();
  await rest();
  expect(shown.el.textContent).toContain(message);
});

test('a lost connection is said, with the last known state', async () => {
  has(transport, environment());
  shown = await show('panel', transport);
  transport.stream.opened();
  transport.stream.closed(null);
  await rest();
  expect(shown.el.textContent).toContain('Connection lost');
  expect(shown.el.textContent).toContain('Ready');
  button(shown.el, 'Try now').click();
  await rest();
  transport.stream.opened();
  await rest();
  expect(shown.el.textContent).toContain('Connected again.');
});

test('the keyboard stays with the connection that is back', async () => {
  has(transport, environment());
  shown = await show('panel', transport);
  const { el } = shown;
  transport.stream.opened();
  transport.stream.closed(null);
  await rest();
  button(el, 'Try now').focus();
  button(el, 'Try now').click();
  await rest();
  transport.stream.opened();
  await rest();
  expect(document.activeElement).toBe(el.querySelector('.sd-banner'));
  expect(document.activeElement?.textContent).toBe('Connected again.');
});

test('shows its snapshot before anything answers', async () => {
  transport.answers.set(
    'GET /v1/environments/w',
    new ApiError('', 'unreachable', 0)
  );
  shown = await show('panel', transport, {}, { status: environment() });
  expect(shown.el.textContent).toContain('Ready');
  expect(shown.el.textContent).toContain('Connection lost');
});

test('taken out of the page it listens no more', async () => {
  has(transport, environment());
  shown = await show('panel', transport);
  transport.stream.opened();
  shown.remove();
  await rest(3200);
  expect(transport.stream.left).toBe(true);
});
