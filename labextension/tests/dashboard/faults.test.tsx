/** Faults from a dashboard. */

import { button, rest, type } from '../browser';
import {
  eachTimeAnew,
  el,
  environment,
  has,
  press,
  sent,
  show,
  tab,
  tell,
  text,
  transport
} from './page';

eachTimeAnew();

test('puts a fault on a link, shows it, takes it back', async () => {
  has(environment());
  await show();
  await tab('Faults');
  const fault = {
    id: 'f1',
    fault: 'latency',
    name: 'Slow link',
    link: { source: 'app', target: 'db' },
    arguments: { delay_ms: 200 },
    state: 'active',
    started_at: 1000
  };
  transport.answers.set('POST /v1/environments/w/faults', fault);
  await press('Break it');
  const body = {
    fault: 'latency',
    link: fault.link,
    arguments: fault.arguments
  };
  expect(sent('POST')).toEqual([['/v1/environments/w/faults', body]]);
  await tell('fault.started', fault);
  expect(text('.sd-active-faults')).toContain('app → db');
  transport.answers.set('DELETE /v1/environments/w/faults/f1', null);
  await press('Recover');
  expect(sent('DELETE')).toEqual([['/v1/environments/w/faults/f1', undefined]]);
  await tell('fault.ended', { ...fault, state: 'ended' }, 1005);
  expect(el.querySelector('.sd-active-faults')).toBeNull();
  expect(text('.sd-happenings')).toContain('fault: Slow link');
});

test('Enter breaks nothing that its button would not break', async () => {
  has(environment());
  transport.answers.set('POST /v1/environments/w/faults', new Promise(() => 0));
  await show();
  await tab('Faults');
  const form = el.querySelector<HTMLFormElement>('.sd-inject');
  const [, seconds] = form?.querySelectorAll('input') ?? [];
  type(seconds ?? null, '10s');
  await rest();
  form?.requestSubmit();
  await rest();
  expect(sent('POST')).toEqual([]);
  type(seconds ?? null, '10');
  await rest();
  for (let times = 0; times < 2; times += 1) {
    form?.requestSubmit();
    await rest();
  }
  expect(sent('POST')).toHaveLength(1);
  expect(sent('POST')).toMatchObject([[{}, { for_s: 10 }]]);
});

test('Enter breaks it in any of its fields, as its button does, once', async () => {
  has(environment());
  transport.answers.set('POST /v1/environments/w/faults', new Promise(() => 0));
  await show();
  await tab('Faults');
  // A browser submits a form of several fields with its button, and not without.
  const button = el.querySelector<HTMLButtonElement>('.sd-inject .sd-button');
  expect(button?.type).toBe('submit');
  for (let times = 0; times < 2; times += 1) {
    button?.click();
    await rest();
  }
  expect(sent('POST')).toHaveLength(1);
});

test('Enter breaks nothing that does not run', async () => {
  has(environment({ state: 'stopped' }));
  await show();
  await tab('Faults');
  el.querySelector<HTMLFormElement>('.sd-inject')?.requestSubmit();
  await rest();
  expect(sent('POST')).toEqual([]);
});

test('the keyboard stays with the faults when one is over', async () => {
  has(environment());
  await show();
  await tab('Faults');
  const fault = {
    id: 'f1',
    fault: 'latency',
    name: 'Slow link',
    link: { source: 'app', target: 'db' },
    arguments: {},
    state: 'active',
    started_at: 1000
  };
  await tell('fault.started', fault);
  button(el, 'Recover').focus();
  await tell('fault.ended', { ...fault, state: 'ended' }, 1005);
  expect(document.activeElement).toBe(el.querySelector('.sd-faults'));
});
