/** Load from a dashboard, and the runs it knows. */

import { ApiError, unreachable } from '../../src/api/problem';
import { button, clickAgain, rest, type } from '../browser';
import {
  eachTimeAnew,
  el,
  environment,
  has,
  press,
  sent,
  show,
  tell,
  text,
  transport
} from './page';

eachTimeAnew();

test('runs a profile as it is, or the shape somebody gave it', async () => {
  has(environment());
  const run = {
    id: 'r',
    profile: 'browse',
    state: 'running',
    seed: 1,
    scale: 1,
    traffic: '',
    started_at: 1000,
    ticks: [],
    reason: ''
  };
  transport.answers.set('POST /v1/environments/w/runs', run);
  transport.answers.set('DELETE /v1/environments/w/runs/r', {
    ...run,
    state: 'stopped'
  });
  await show();
  await press('Run');
  expect(sent('POST')).toEqual([
    ['/v1/environments/w/runs', { seed: 1, profile: 'browse' }]
  ]);
  expect(el.textContent).toContain('Running browse');
  await press('Stop the load');
  expect(sent('DELETE')).toHaveLength(1);
  await tell('run.done', { ...run, state: 'stopped' }, 1003);

  await press('Shape it');
  const level = el.querySelector<HTMLInputElement>(
    '[aria-label="Clients of stage 1"]'
  );
  type(level, 'many');
  await rest();
  expect(button(el, 'Run').disabled).toBe(true);
  expect(level?.getAttribute('aria-invalid')).toBe('true');
  type(level, '40');
  await rest();
  const weight = el.querySelector<HTMLInputElement>('.sd-mix-row input');
  type(weight, '-1');
  await rest();
  expect(weight?.title).toContain('A weight from 0');
  type(weight, '1');
  await rest();
  await press('Run');
  expect(sent('POST').at(-1)).toEqual([
    '/v1/environments/w/runs',
    {
      seed: 1,
      custom: {
        mode: 'closed',
        connections: 40,
        duration_s: 5,
        mix: [{ name: 'list', weight: 1 }]
      }
    }
  ]);
});

test('a run that a notebook began is asked for again, and not with each tick', async () => {
  has(environment());
  await show();
  const runs = 'GET /v1/environments/w/runs';
  const asked = (): number =>
    sent('GET').filter(([path]) => path === '/v1/environments/w/runs').length;
  const before = asked();
  const ticks = async (from: number): Promise<void> => {
    await rest(5000);
    for (let count = 0; count < 5; count += 1) {
      const data = { run: 'r', t_s: from + count / 10, errors: {} };
      await tell('run.tick', data, 1000 + data.t_s);
    }
  };
  transport.answers.set(runs, unreachable());
  await ticks(0);
  expect(asked() - before).toBe(1);
  await ticks(1);
  expect(asked() - before).toBe(2);
  expect(el.textContent).not.toContain('Running browse');
  const run = { id: 'r', profile: 'browse', state: 'running' };
  transport.answers.set(runs, [{ ...run, started_at: 1000, ticks: [] }]);
  await ticks(2);
  expect(el.textContent).toContain('Running browse');
  await ticks(3);
  expect(asked() - before).toBe(3);
});

test('a run that was picked later stays when the answer to the first one is late', async () => {
  has(environment());
  const env = 'GET /v1/environments/w';
  const runs = ['one', 'two'].map((id, place) => ({
    id,
    profile: id,
    state: 'done',
    started_at: 1000 - place,
    ticks: []
  }));
  transport.answers.set(`${env}/runs`, runs);
  await show();
  const pick = async (place: number): Promise<void> => {
    el.querySelectorAll<HTMLElement>('.sd-runs input')[place]?.click();
    await rest();
  };
  let answer: (run: unknown) => void = () => undefined;
  const late = new Promise(resolve => {
    answer = resolve;
  });
  transport.answers.set(`${env}/runs/one`, late);
  await pick(0);
  for (const run of runs) {
    transport.answers.set(`${env}/runs/${run.id}`, run);
  }
  await pick(1);
  expect(text('.sd-load .sd-chart')).toContain('two');
  answer(runs[0]);
  await rest();
  expect(text('.sd-load .sd-chart')).toContain('two');
});

test('a run that could not be fetched is told of only while it is picked', async () => {
  has(environment());
  const env = 'GET /v1/environments/w';
  const runs = ['one', 'two'].map((id, place) => ({
    id,
    profile: id,
    state: 'done',
    started_at: 1000 - place,
    ticks: []
  }));
  transport.answers.set(`${env}/runs`, runs);
  await show();
  const pick = async (place: number): Promise<void> => {
    el.querySelectorAll<HTMLElement>('.sd-runs input')[place]?.click();
    await rest();
  };
  const late: ((error: unknown) => void)[] = [];
  const never = (): Promise<unknown> =>
    new Promise((_, reject) => late.push(reject));
  const lost = new ApiError('There is no run.', 'not_found', 404);
  transport.answers.set(`${env}/runs/one`, never());
  transport.answers.set(`${env}/runs/two`, runs[1]);
  await pick(0);
  await pick(0);
  late[0]?.(lost);
  await rest();
  expect(text('.sd-load [role=alert]')).toBe('');
  transport.answers.set(`${env}/runs/one`, lost);
  await pick(0);
  await pick(1);
  expect(text('.sd-load [role=alert]')).toContain('There is no run.');
  expect(text('.sd-load .sd-chart')).toContain('two');
});

test('the second click of a double click does not undo the first', async () => {
  has(environment());
  await show();
  clickAgain(button(el, 'Run'));
  clickAgain(button(el, 'Stop'));
  await rest();
  expect(sent('POST')).toEqual([]);
});
