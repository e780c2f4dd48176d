/** The place of the curriculum browser in the left sidebar; what is in it is loaded when it shows. */

import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import { Widget, PanelLayout } from '@lumino/widgets';
import { asProblem } from '../api/problem';
import { t } from '../i18n';
import { lessonsIcon } from '../lab/icons';
import { late } from '../lab/late';
import type { IEnvironments } from '../tokens';

export class CurriculumPanel extends Widget {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _environments: IEnvironments
  ) {
    super();
    this.id = 'jupyter-sysdesign-curriculum';
    this.addClass('sd-curriculum');
    this.layout = new PanelLayout();
    this.title.icon = lessonsIcon;
    this.title.caption = t('System Design lessons');
    this.title.label = '';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', t('System Design lessons'));
  }

  override dispose(): void {
    this._watching?.dispose();
    this._await(false);
    super.dispose();
  }

  protected override onActivateRequest(msg: Message): void {
    super.onActivateRequest(msg);
    this._activatedFrom = document.activeElement;
    this._await(true);
    void this._load().then(() => {
      this._focusSoon();
    });
  }

  /** Put the focus into the tree, as soon as there is one. */
  private _focusSoon(): void {
    requestAnimationFrame(() => {
      const line = this.node.querySelector<HTMLElement>(
        '[role="tree"] [tabindex="0"]'
      );
      if (line && this._awaits) {
        this._await(false);
        if (this._isAwaited()) {
          line.focus();
        }
      }
    });
  }

  private _await(awaits: boolean): void {
    this._awaits = awaits;
    const { changed } = this._environments;
    if (awaits) {
      changed.connect(this._focusSoon, this);
    } else {
      changed.disconnect(this._focusSoon, this);
    }
    for (const begun of ['keydown', 'pointerdown']) {
      if (awaits) {
        document.addEventListener(begun, this._goOn, true);
      } else {
        document.removeEventListener(begun, this._goOn, true);
      }
    }
  }

  /** Who does something elsewhere meanwhile, also where they came from, wants no tree any more. */
  private readonly _goOn = (event: Event): void => {
    if (!(event.target instanceof Node && this.node.contains(event.target))) {
      this._await(false);
    }
  };

  /** Nobody has begun to do something else since, here or elsewhere. */
  private _isAwaited(): boolean {
    const { activeElement } = document;
    return (
      !this.node.contains(activeElement) &&
      (activeElement === this._activatedFrom || activeElement === document.body)
    );
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._look();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    if (this.isVisible) {
      this._look();
    }
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._await(false);
    this._watching?.dispose();
    this._watching = null;
  }

  private _look(): void {
    this._watching ??= this._environments.watch();
    void this._load();
  }

  private _load(): Promise<void> {
    this._loading ??= late(
      Promise.all([import('./view'), import('../lab/view')]),
      t('The lessons could not be loaded.')
    ).then(
      ([{ browser }, { View }]) => {
        const draw = browser(this._commands, this._environments);
        this._fill(new View(draw, [this._environments.changed]));
      },
      (error: unknown) => {
        this._loading = null; // asked for again when it is shown the next time
        const { message, hint } = asProblem(error);
        const said = new Widget();
        said.addClass('sd-view');
        said.addClass('sd-browser-none');
        said.node.setAttribute('role', 'alert');
        said.node.textContent = `${message} ${hint}`;
        this._fill(said);
      }
    );
    return this._loading;
  }

  /** Show this, and nothing of before. */
  private _fill(content: Widget): void {
    if (this.isDisposed) {
      content.dispose();
      return;
    }
    const layout = this.layout as PanelLayout;
    layout.widgets[0]?.dispose();
    layout.addWidget(content);
  }

  private _awaits = false;
  private _activatedFrom: Element | null = null;
  private _watching: IDisposable | null = null;
  private _loading: Promise<void> | null = null;
}
