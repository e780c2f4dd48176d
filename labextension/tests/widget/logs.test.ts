/** Logs in a notebook. */

import { button, rest, show, type, type IShown } from '../browser';
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
  jest.useRealTimers();
});

test('logs follow, pause, and go on with what came meanwhile', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/logs?tail=500', {
    lines: [{ ts: 1, service: 'db', line: 'ready' }]
  });
  shown = await show('logs', transport);
  const { el } = shown;
  const lines = (): number => el.querySelectorAll('.sd-log-line').length;
  const write = (seq: number, line: string): void => {
    transport.stream.events([
      { seq, ts: seq, type: 'log.line', data: { service: 'app', line } }
    ]);
  };
  transport.stream.opened();
  write(6, 'one');
  await rest();
  expect(lines()).toBe(2);
  button(el, 'Pause').click();
  await rest();
  write(7, 'two');
  await rest();
  expect(lines()).toBe(2);
  expect(el.textContent).toContain('1 line came since');
  button(el, 'Pause').click();
  await rest();
  expect(lines()).toBe(3);
});

test('paused logs are searched, too', async () => {
  has(transport, environment());
  transport.answers.set('GET /v1/environments/w/logs?tail=500', {
    lines: [
      { ts: 1, service: 'db', line: 'ready' },
      { ts: 2, service: 'app', line: 'one' }
    ]
  });
  shown = await show('logs', transport);
  const { el } = shown;
  const lines = (): number => el.querySelectorAll('.sd-log-line').length;
  button(el, 'Pause').click();
  await rest();
  type(el.querySelector('input[type=search]'), 'one');
  await rest();
  expect(lines()).toBe(1);
});

test('lines that come late are those that are looked for by then', async () => {
  has(transport, environment());
  let answer: (page: unknown) => void = () => undefined;
  transport.answers.set(
    'GET /v1/environments/w/logs?tail=500',
    new Promise(resolve => {
      answer = resolve;
    })
  );
  shown = await show('logs', transport);
  const { el } = shown;
  type(el.querySelector('input[type=search]'), 'nothing like it');
  await rest();
  answer({ lines: [{ ts: 1, service: 'db', line: 'ready' }] });
  await rest();
  expect(el.querySelectorAll('.sd-log-line')).toHaveLength(0);
});
