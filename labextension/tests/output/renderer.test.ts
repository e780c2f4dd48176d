import {
  MimeModel,
  RenderMimeRegistry,
  standardRendererFactories
} from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';
import { page } from '../../src/connection/page';
import { VIEW_MIME, WIDGET_MIME } from '../../src/output/bundle';
import { outputPlugin } from '../../src/output/plugin';

/** A widget manager's renderer, as far as it matters here. */
class LiveRenderer extends Widget implements IRenderMime.IRenderer {
  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.node.textContent = `live ${JSON.stringify(model.data[WIDGET_MIME])}`;
    return Promise.resolve();
  }
}

const alive = new Set<string>();
const owner = { has_model: (id: string): boolean => alive.has(id) };

let registry: RenderMimeRegistry;
let area: Panel;

function bundle(html: string, trusted = true, id = 'm1'): MimeModel {
  return new MimeModel({
    trusted,
    data: {
      [VIEW_MIME]: { model_id: id, html },
      [WIDGET_MIME]: { model_id: id },
      'text/html': html
    }
  });
}

async function output(model: MimeModel): Promise<IRenderMime.IRenderer> {
  const type = registry.preferredMimeType(
    model.data,
    model.trusted ? 'any' : 'ensure'
  );
  expect(type).toBe(VIEW_MIME);
  const renderer = registry.createRenderer(VIEW_MIME);
  await renderer.renderModel(model);
  area.addWidget(renderer);
  await turn();
  return renderer;
}

async function turn(): Promise<void> {
  await new Promise(resolve => setTimeout(resolve));
}

/** The text somebody sees. */
function seen(renderer: Widget): string {
  return [...renderer.node.children]
    .filter(child => !child.classList.contains('lm-mod-hidden'))
    .map(child => child.textContent)
    .join('|');
}

beforeEach(() => {
  alive.clear();
  registry = new RenderMimeRegistry({
    initialFactories: standardRendererFactories
  });
  registry.addFactory(
    {
      safe: false,
      mimeTypes: [WIDGET_MIME],
      createRenderer: () => new LiveRenderer()
    },
    -10
  );
  void outputPlugin.activate(null as never, registry);
  area = new Panel();
  Object.assign(area, { rendermime: registry }); // as an output area has it
  Widget.attach(area, document.body);
});

afterEach(() => {
  area.dispose();
});

test('without a model the static HTML shows, sanitized', async () => {
  const renderer = await output(
    bundle('<p class="sd-muted">as it was<script>alert(1)</script></p>')
  );
  expect(seen(renderer)).toBe('as it was');
  expect(renderer.node.innerHTML).not.toContain('script');
  expect(renderer.node.querySelector('.sd-muted')).not.toBeNull();
});

test('a model that lives already is shown at once', async () => {
  alive.add('m1');
  const forget = page().models.add(owner);
  const renderer = await output(bundle('<p>as it was</p>'));
  expect(seen(renderer)).toContain('live {"model_id":"m1"');
  forget();
});

test('live when the model comes, static when it goes', async () => {
  const renderer = await output(bundle('<p>as it was</p>'));
  alive.add('m1');
  const forget = page().models.add(owner);
  await turn();
  expect(seen(renderer)).toContain('live');
  alive.clear();
  forget();
  await turn();
  expect(seen(renderer)).toBe('as it was');
});

test('another model of the same page changes nothing', async () => {
  alive.add('m2');
  const forget = page().models.add(owner);
  const renderer = await output(bundle('<p>as it was</p>'));
  expect(seen(renderer)).toBe('as it was');
  forget();
});

test('untrusted: always static', async () => {
  alive.add('m1');
  const forget = page().models.add(owner);
  const renderer = await output(bundle('<p>as it was</p>', false));
  expect(seen(renderer)).toBe('as it was');
  forget();
});

test('an update of the output keeps the live view and changes what is kept', async () => {
  alive.add('m1');
  const forget = page().models.add(owner);
  const renderer = await output(bundle('<p>before</p>'));
  const live = renderer.node.lastElementChild;
  await renderer.renderModel(bundle('<p>after</p>'));
  await turn();
  expect(renderer.node.lastElementChild).toBe(live);
  alive.clear();
  forget();
  await turn();
  expect(seen(renderer)).toBe('after');
});

test('a disposed output listens no more', async () => {
  const renderer = await output(bundle('<p>as it was</p>'));
  renderer.dispose();
  alive.add('m1');
  page().models.add(owner)();
  await turn();
  expect(renderer.node.children).toHaveLength(1);
});

test('a bundle of something else shows nothing and breaks nothing', async () => {
  const model = new MimeModel({ data: { [VIEW_MIME]: 'text' } });
  const renderer = await output(model);
  expect(seen(renderer)).toBe('');
});
