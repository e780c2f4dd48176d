/** A Lumino widget that Preact draws, and draws anew when what it shows has changed. */

import type { ISignal } from '@lumino/signaling';
import type { Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import { render, type VNode } from 'preact';

export class View extends Widget {
  /**
   * @param draw - what to show now
   * @param changes - signals after which that may be something else
   */
  constructor(
    private readonly _draw: () => VNode | null,
    private readonly _changes: readonly ISignal<unknown, unknown>[]
  ) {
    super();
    this.addClass('sd-view');
    for (const signal of _changes) {
      signal.connect(this._onChange, this);
    }
  }

  override dispose(): void {
    for (const signal of this._changes) {
      signal.disconnect(this._onChange, this);
    }
    super.dispose();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this._show();
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._show();
  }

  protected override onBeforeDetach(msg: Message): void {
    render(null, this.node);
    super.onBeforeDetach(msg);
  }

  protected override onUpdateRequest(msg: Message): void {
    super.onUpdateRequest(msg);
    this._show();
  }

  private _onChange(): void {
    if (this.isVisible) {
      this.update();
    }
  }

  private _show(): void {
    if (this.isAttached) {
      render(this._draw(), this.node);
    }
  }
}
