/** A check of the fix in a notebook, until it is decided. */

import { rest, show, type IShown } from '../browser';
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

test('a verdict grows check by check', async () => {
  has(transport, environment());
  shown = await show('verdict', transport, {
    since: 100,
    checks: [
      { id: 'a', title: 'First' },
      { id: 'b', title: 'Second' }
    ]
  });
  const { el } = shown;
  const result = {
    id: 'a',
    title: 'First',
    status: 'failed' as const,
    measured: '312 blocks',
    required: 'at most 4',
    why: 'It reads too much.',
    points: 0,
    max_points: 10,
    kind: 'slo',
    evidence: {}
  };
  transport.stream.opened();
  transport.stream.events([
    { seq: 6, ts: 101, type: 'check.result', data: result }
  ]);
  await rest();
  expect(el.textContent).toContain('1 of 2 checks');
  expect(el.textContent).toContain('It reads too much.');
  transport.stream.events([
    {
      seq: 7,
      ts: 102,
      type: 'verdict',
      data: {
        lesson: 'l',
        status: 'failed',
        checks: [result],
        points: 0,
        max_points: 10,
        seed: 4,
        started_at: 100,
        duration_s: 2,
        drift: { drifted: true, differences: ['+ CREATE INDEX i'] },
        reason: '',
        whole: true
      }
    }
  ]);
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Not yet');
  expect(el.textContent).toContain('Write it down in migrations/');
  expect(el.textContent).toContain('+ CREATE INDEX i');
});

test.each([
  ['Not yet', 98, 5],
  ['Checking', 90, 5]
])(
  'while nobody looked: %s, of a check from %d on for %d s',
  async (word, started_at, duration_s) => {
    has(transport, environment());
    transport.answers.set('GET /v1/environments/w/checks', {
      declared: ['a'],
      going: false,
      results: [],
      verdict: {
        lesson: 'l',
        status: 'failed',
        checks: [],
        points: 0,
        max_points: 10,
        seed: 4,
        started_at,
        duration_s,
        reason: ''
      }
    });
    shown = await show('verdict', transport, { since: 100, checks: [] });
    expect(shown.el.querySelector('.sd-big')?.textContent).toContain(word);
  }
);

test.each([
  [true, 'Every check holds.'],
  [false, 'Every check that was made holds.']
])('passed, every check of the lesson made (%s): %s', async (whole, said) => {
  const verdict = {
    lesson: 'l',
    status: 'passed',
    checks: [],
    points: 5,
    max_points: 5,
    seed: 4,
    started_at: 100,
    duration_s: 2,
    reason: '',
    whole
  };
  has(transport, environment());
  shown = await show('verdict', transport, { since: 100, checks: [] });
  transport.stream.events([
    { seq: 7, ts: 102, type: 'verdict', data: verdict } as never
  ]);
  await rest();
  expect(shown.el.querySelector('.sd-big')?.textContent).toContain(said);
});

test('a check that cannot be made does not go on for ever', async () => {
  has(transport, environment());
  const expected = { since: 100, checks: [{ id: 'a', title: 'First' }] };
  shown = await show('verdict', transport, expected);
  const { el, model } = shown;
  transport.stream.opened();
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Checking');
  model.receive('snapshot', { results: [], ended: true });
  await rest();
  expect(el.querySelector('.sd-big')?.textContent).toContain('Not checked');
  expect(el.textContent).not.toContain('Checking');
  expect(el.textContent).not.toContain('Waiting');
  await rest(3200);
  expect(transport.stream.left).toBe(true);
});
