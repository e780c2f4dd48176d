/** Shows a view's static HTML, and the live widget in its place while its model lives in this page. */

import { MimeModel, type IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import type { Message } from '@lumino/messaging';
import { Panel, Widget } from '@lumino/widgets';
import { isRecord } from '../api/guards';
import { page } from '../connection/page';
import { readBundle, WIDGET_MIME, type IViewBundle } from './bundle';

export class ViewRenderer extends Panel implements IRenderMime.IRenderer {
  constructor(private readonly _options: IRenderMime.IRendererOptions) {
    super();
    this.addClass('sd-output');
    this._static.addClass('jp-RenderedHTMLCommon');
    this.addWidget(this._static);
    page().models.addEventListener('change', this._onModels);
  }

  renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const bundle = readBundle(model.data[this._options.mimeType]);
    if (bundle.html !== this._bundle.html) {
      this._static.node.innerHTML = this._options.sanitizer.sanitize(
        bundle.html
      );
    }
    const other = bundle.modelId !== this._bundle.modelId;
    this._bundle = bundle;
    this._trusted = model.trusted;
    if (other) {
      this._showStatic();
    }
    this._update();
    return Promise.resolve();
  }

  override dispose(): void {
    page().models.removeEventListener('change', this._onModels);
    clearTimeout(this._timer);
    super.dispose();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._update();
  }

  /** Bring what is shown in line with whether the model lives. */
  private _update(): void {
    if (this.isDisposed) {
      return;
    }
    const { modelId } = this._bundle;
    const alive = this._trusted && modelId !== '' && page().models.has(modelId);
    if (alive && !this._live) {
      this._showLive(modelId);
    } else if (!alive && this._live) {
      this._showStatic();
    }
  }

  private _showLive(modelId: string): void {
    const registry = registryAbove(this);
    if (!registry) {
      return; // not in an output area yet; attaching comes back here
    }
    const live = registry.createRenderer(WIDGET_MIME);
    this._live = live;
    live.hide();
    this.addWidget(live);
    const model = new MimeModel({
      trusted: true,
      data: {
        [WIDGET_MIME]: {
          model_id: modelId,
          version_major: 2,
          version_minor: 0
        }
      }
    });
    live.renderModel(model).then(
      () => {
        if (this._live === live && !live.isDisposed) {
          live.show();
          this._static.hide();
        }
      },
      () => {
        this._showStatic();
      }
    );
  }

  private _showStatic(): void {
    this._live?.dispose();
    this._live = null;
    this._static.show();
  }

  // A manager forgets a model a moment after the model itself is gone.
  private readonly _onModels = (): void => {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => {
      this._update();
    });
  };

  private readonly _static = new Widget();
  private _live: IRenderMime.IRenderer | null = null;
  private _bundle: IViewBundle = { modelId: '', html: '' };
  private _trusted = false;
  private _timer: ReturnType<typeof setTimeout> | undefined;
}

/**
 * The registry of the output area that `widget` is in: only that one can make widgets of its kernel.
 *
 * Found by walking up, which works alike in notebooks, consoles, and outputs shown elsewhere.
 */
function registryAbove(widget: Widget): IRenderMimeRegistry | null {
  for (let each = widget.parent; each; each = each.parent) {
    const registry: unknown =
      'rendermime' in each ? each.rendermime : undefined;
    if (isRegistry(registry) && registry.mimeTypes.includes(WIDGET_MIME)) {
      return registry;
    }
  }
  return null;
}

function isRegistry(value: unknown): value is IRenderMimeRegistry {
  return (
    isRecord(value) &&
    typeof value['createRenderer'] === 'function' &&
    Array.isArray(value['mimeTypes'])
  );
}
