/** Draws the scenes of one group (`#panel`), then says so in `document.title`. */

import { page } from '../src/connection/page';
import widget from '../src/widget/index';
import { fakeModel, FakeTransport } from './fake';
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
    await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  }
  document.title = 'drawn';
}

if (group === 'logs') {
  const template = document.getElementById('static');
  if (template instanceof HTMLTemplateElement) {
    document.body.append(template.content);
  }
}
void draw();
