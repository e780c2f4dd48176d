/**
 * A page from another machine than the lab's.
 *
 * @jest-environment-options {"url": "https://hub.example/"}
 */

import { button, rest, show } from '../browser';
import { ScriptedTransport } from '../transport';

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

test('an address that this browser does not reach is no link', async () => {
  const transport = new ScriptedTransport();
  transport.answers.set('GET /v1/environments/w', {
    id: 'w',
    state: 'ready',
    reason: '',
    services: [],
    url: 'http://127.0.0.1:8001',
    migrations: [],
    pending: [],
    last_seq: 5
  });
  const { el, remove } = await show('panel', transport);
  await rest();
  expect(button(el, 'Stop')).toBeDefined();
  expect(el.querySelector('a')).toBeNull();
  const address = [...el.querySelectorAll<HTMLElement>('[title]')].find(
    each => each.textContent === 'http://127.0.0.1:8001'
  );
  expect(address?.title).toContain('where the lab runs');
  remove();
});
