/** The dashboard as somebody sees and uses it; the control plane is a script. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';
import { ApiError } from '../../src/api/problem';
import { Settings } from '../../src/settings/settings';
import { rest, type } from '../browser';
import {
  eachTimeAnew,
  el,
  environment,
  gone,
  has,
  losesWorkspace,
  press,
  sent,
  service,
  show,
  tab,
  tell,
  text,
  transport,
  WORKSPACE
} from './page';

eachTimeAnew();

test('says what the lesson is, and starts what is not there yet', async () => {
  await show();
  expect(el.textContent).toContain('Slow lists');
  expect(el.textContent).toContain('Not started yet');
  has(environment({ state: 'starting' }));
  transport.answers.set(
    'POST /v1/environments',
    environment({ state: 'starting' })
  );
  await press('Start');
  expect(sent('POST')).toEqual([
    ['/v1/environments', { workspace: 'w', reuse: true }]
  ]);
  await tell('environment.state', environment());
  expect(text('.sd-dash-head')).toContain('Ready');
});

test('a start asks for what is set', async () => {
  const settings = new Settings();
  settings.follow({
    composite: { runtime: 'docker', sampleInterval: 2 },
    changed: new Signal({})
  } as unknown as ISettingRegistry.ISettings);
  has(environment({ state: 'stopped' }));
  transport.answers.set('POST /v1/environments', environment());
  await show(false, settings);
  await press('Start');
  expect(sent('POST')).toEqual([
    [
      '/v1/environments',
      { workspace: 'w', reuse: true, runtime: 'docker', sample_interval_s: 2 }
    ]
  ]);
});

test('a layout brings back no dashboard of a workspace that is gone', async () => {
  losesWorkspace();
  await show(true);
  expect(gone).toBe(1);
});

test('where nothing runs, that is said in place of a start', async () => {
  const nothing = { ...WORKSPACE, has_services: false };
  transport.answers.set('GET /v1/workspaces/w', nothing);
  await show();
  expect(el.textContent).toContain('nothing to start');
  expect(el.querySelector('button')).toBeNull();
});

test('who asks for it by hand is told that it is gone', async () => {
  losesWorkspace();
  await show();
  expect(gone).toBe(0);
  expect(el.textContent).toContain('no such workspace');
  await press('Close');
  expect(gone).toBe(1);
});

test('a workspace that is back is shown again', async () => {
  losesWorkspace();
  await show();
  expect(el.textContent).toContain('no such workspace');
  transport.answers.set('GET /v1/workspaces/w', WORKSPACE);
  transport.answers.set('GET /v1/environments?no_track_activity=1', [
    environment()
  ]);
  has(environment());
  await rest(4000);
  expect(el.textContent).not.toContain('no such workspace');
  expect(el.textContent).toContain('Ready');
});

test('what was typed is there again after a look at another tab', async () => {
  has(environment());
  await show();
  const seed = el.querySelector<HTMLInputElement>('.sd-seed');
  type(seed, '7');
  await tab('Faults');
  type(el.querySelector('.sd-inject input'), '300');
  transport.answers.set(
    'POST /v1/environments/w/faults',
    new ApiError('no such link', 'not_found', 404)
  );
  await press('Break it');
  await tab('Load');
  expect(el.querySelector<HTMLInputElement>('.sd-seed')?.value).toBe('7');
  await tab('Faults');
  const shown = el.querySelectorAll('[role=tabpanel]:not([hidden])');
  expect(shown).toHaveLength(1);
  expect(shown[0]?.id).toBe(
    el.querySelector('[aria-selected=true]')?.getAttribute('aria-controls')
  );
  expect(shown[0]?.querySelector('input')?.value).toBe('300');
  expect(shown[0]?.textContent).toContain('no such link');
});

test('arrow keys move between tabs', async () => {
  has(environment());
  await show();
  el.querySelector('[role=tablist]')?.dispatchEvent(
    new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })
  );
  await rest();
  expect(text('[aria-selected=true]')).toBe('Checks');
  expect(document.activeElement?.textContent).toBe('Checks');
});

test('a lost connection is said, and what was missed comes with the next one', async () => {
  has(environment());
  await show();
  transport.stream.opened();
  transport.stream.closed(null);
  await rest();
  expect(el.textContent).toContain('Connection lost');
  await rest(5000);
  expect(transport.stream.after).toBe(5);
  await tell('service.state', service('app', { state: 'paused' }));
  expect(el.textContent).toContain('Connected again');
});
