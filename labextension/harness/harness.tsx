/** Draws the scenes of one group (`#panel`), then says so in `document.title`. */

import { render } from 'preact';
import { hubOf } from '../src/connection/choose';
import type { EventHub } from '../src/connection/hub';
import { page } from '../src/connection/page';
import { Dashboard } from '../src/dashboard/Dashboard';
import widget from '../src/widget/index';
import { DASHBOARDS, type IDashboardScene } from './dashboards';
import { fakeModel, FakeTransport } from './fake';
import { ID } from './fixtures';
import { BASE_PROPS, SCENES } from './scenes';

const group = location.hash.slice(1);
const SETTLE_MS = 900;

async function draw(): Promise<void> {
  for (const scene of SCENES.filter(each => each.group === group)) {
    const heading = document.createElement('div');
    heading.className = 'harness-name';
    heading.textContent = `${scene.kind}: ${scene.name}`;
    const el = document.createElement('div');
    document.body.append(heading, el);
    const shared = page();
    shared.hubs.clear();
    shared.transport = Promise.resolve(new FakeTransport(scene.given));
    const model = fakeModel({
      kind: scene.kind,
      props: { ...BASE_PROPS, ...scene.props },
      snapshot: scene.snapshot ?? {}
    });
    widget.render({ model, el });
    // The transport of the page is this scene's until its view has taken it.
    await settled();
  }
  for (const scene of DASHBOARDS.filter(each => each.group === group)) {
    await drawDashboard(scene);
  }
  document.title = 'drawn';
}

async function drawDashboard(scene: IDashboardScene): Promise<void> {
  const el = document.createElement('div');
  el.className = 'sd-view sd-dashboard';
  document.body.append(el);
  const transport = new FakeTransport(scene.given);
  const hubs = new Map<string, EventHub>();
  render(
    <Dashboard
      connection={{
        transport,
        hub: environment => hubOf(hubs, environment, transport),
        dispose: () => undefined
      }}
      workspace={ID}
      restored={false}
      settings={null}
      onTitle={() => undefined}
      onOpen={() => undefined}
      onGone={() => undefined}
    />,
    el
  );
  await settled();
  for (const name of scene.press ?? []) {
    press(el, name);
    await settled();
  }
}

function press(el: HTMLElement, name: string): void {
  const [, service] = name.split('data-service=');
  const [, row] = name.split('row ');
  const found = service
    ? el.querySelector<HTMLElement>(`[data-service="${service}"]`)
    : row
      ? el.querySelectorAll<HTMLElement>('.sd-runs input')[Number(row)]
      : [...el.querySelectorAll('button')].find(
          button => button.textContent.replace(/\d$/, '') === name
        );
  if (!found) {
    throw new Error(`nothing to press for ${name}`);
  }
  found.click();
}

function settled(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, SETTLE_MS));
}

if (group === 'logs') {
  const template = document.getElementById('static');
  if (template instanceof HTMLTemplateElement) {
    document.body.append(template.content);
  }
}
void draw();
