/** Checks from a dashboard. */

import { button } from '../browser';
import {
  eachTimeAnew,
  el,
  environment,
  has,
  show,
  tab,
  tell,
  text
} from './page';

eachTimeAnew();

test('check results come one by one, also of a check somebody else began', async () => {
  has(environment());
  await show();
  await tab('Checks');
  const result = {
    id: 'fast-enough',
    title: 'Fast enough',
    status: 'failed',
    measured: '900 ms',
    required: 'at most 100 ms',
    why: 'It reads the whole table.',
    points: 0,
    max_points: 10
  };
  await tell('check.result', result);
  expect(text('.sd-checks')).toContain('It reads the whole table.');
  expect(button(el, 'Checking').getAttribute('aria-disabled')).toBe('true');
  await tell('verdict', {
    lesson: 'l',
    status: 'failed',
    checks: [result],
    points: 0,
    max_points: 10,
    seed: 1,
    started_at: 990,
    duration_s: 10
  });
  expect(el.textContent).toContain('Not yet');
  expect(button(el, 'Check my fix')).toBeDefined();
});

test('a verdict is said also while another panel shows, each time', async () => {
  has(environment());
  await show();
  const said = (): string => text('.sd-dash > [role=status]');
  const verdict = {
    lesson: 'l',
    status: 'failed',
    checks: [],
    points: 0,
    max_points: 10,
    seed: 1,
    started_at: 1000,
    duration_s: 5
  };
  await tell('verdict', verdict);
  expect(said()).toBe('check: not yet');
  await tell('check.result', { id: 'fast-enough', status: 'failed' });
  expect(said()).toBe('');
  await tell('verdict', verdict);
  expect(said()).toBe('check: not yet');
  await tab('Checks');
  await tell('check.result', { id: 'fast-enough', status: 'failed' });
  await tell('verdict', verdict);
  expect(said()).toBe(''); // the panel says more
});
