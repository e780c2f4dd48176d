/** The picture of the services in a dashboard, and the panel of one of them. */

import { options } from 'preact';
import { button, rest } from '../browser';
import {
  eachTimeAnew,
  el,
  environment,
  has,
  press,
  service,
  show,
  tell,
  text,
  transport
} from './page';

eachTimeAnew();

function measuresTopology(): void {
  jest
    .spyOn(Element.prototype, 'clientWidth', 'get')
    .mockImplementation(function (this: Element) {
      return this.classList.contains('sd-topology') ? 600 : 0;
    });
}

test('a restart says its reason, and only a failure is an alert', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="app"]')?.click();
  await rest();
  const alert = (): Element | null =>
    el.querySelector('.sd-service-panel [role=alert]');
  const reason = 'server.py was saved';
  await tell('service.state', service('app', { state: 'restarting', reason }));
  expect(text('.sd-service-panel')).toContain(reason);
  expect(alert()).toBeNull();
  await tell('service.state', service('app', { state: 'failed', reason }));
  expect(alert()).not.toBeNull();
});

test('what is done to a service leaves the keyboard there', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="db"]')?.click();
  await rest();
  const panel = el.querySelector('.sd-service-panel');
  button(panel ?? el, 'Pause').focus();
  await tell('service.state', service('db', { state: 'paused' }));
  expect(document.activeElement?.textContent).toBe('Resume');
  button(panel ?? el, 'Stop').focus();
  await tell('service.state', service('db', { state: 'stopped' }));
  expect(document.activeElement).toBe(panel);
});

test('a service that is closed gives the keyboard back to its box', async () => {
  measuresTopology();
  has(environment());
  await show();
  el.querySelector<HTMLElement>('[data-service="db"]')?.click();
  await rest();
  button(el, 'Close').focus();
  await press('Close');
  expect(el.querySelector('.sd-service-panel')).toBeNull();
  expect(document.activeElement).toBe(el.querySelector('[data-service="db"]'));
});

test('a sample brings new figures, and nothing beside them is drawn', async () => {
  has(environment());
  await show();
  await tell('metric.sample', { values: { 'app.requests_per_s': 40 } }, 1000);
  expect(text('.sd-topology')).toContain('clients asks app, 40/s');
  const drawn = new Set<string>();
  const before = options.diffed;
  options.diffed = vnode => {
    if (typeof vnode.type === 'function') {
      drawn.add(vnode.type.name);
    }
    before?.(vnode);
  };
  try {
    const data = { values: { 'app.requests_per_s': 41 } };
    transport.stream.events([
      { seq: 7, ts: 1001, type: 'metric.sample', data } as never
    ]);
    await rest();
  } finally {
    if (before) {
      options.diffed = before;
    } else {
      delete options.diffed;
    }
  }
  expect(text('.sd-topology')).toContain('clients asks app, 41/s');
  expect([...drawn]).toEqual(['Spoken']);
});

test('what came over a link is gone with the service', async () => {
  has(environment());
  await show();
  await tell('metric.sample', { values: { 'db.transactions_per_s': 7 } });
  expect(text('.sd-topology')).toContain('app asks db, 7.0/s');
  await tell('service.state', service('app', { state: 'failed' }));
  expect(text('.sd-topology')).not.toContain('7.0/s');
  expect(text('.sd-topology')).toContain(
    'app asks db, nothing flows: app does not run'
  );
});

test('a name too long for its box is there in full', async () => {
  measuresTopology();
  const name = 'notification-dispatcher-for-the-west-1';
  has(environment({ services: [service(name)], links: [] }));
  await show();
  const shown = el.querySelector(`[data-service="${name}"] .sd-service-name`);
  expect(shown?.getAttribute('title')).toBe(name);
});
