/** What holds for every kind of view. */

import { ApiError } from '../../src/api/problem';
import { button, rest, show, type IShown } from '../browser';
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

test.each(['panel', 'run', 'verdict', 'logs'])(
  'the keyboard stays in a %s that is there when it is tried again',
  async kind => {
    const path = 'GET /v1/environments/w';
    has(transport, environment());
    transport.answers.set(`${path}/logs?tail=500`, { lines: [] });
    transport.answers.set(`${path}/runs/r`, {
      id: 'r',
      profile: 'browse',
      state: 'running',
      started_at: 1,
      ticks: []
    });
    transport.answers.set(path, new ApiError('No.', 'forbidden', 403));
    shown = await show(kind, transport, { run: 'r', since: 1 });
    const { el } = shown;
    const again = button(el, 'Try again');
    again.focus();
    transport.answers.set(path, environment());
    again.click();
    await rest();
    transport.stream.opened();
    await rest();
    expect(el.textContent).not.toContain('Try again');
    expect(document.activeElement).toBe(el.firstElementChild);
  }
);

test('a kind that nobody knows says so', async () => {
  shown = await show('hologram', transport);
  expect(shown.el.textContent).toContain('"hologram"');
});
