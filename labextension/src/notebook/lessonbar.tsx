/** The bar between a lesson's notebook and its toolbar; as high as what is in it. */

import type { IDisposable } from '@lumino/disposable';
import { MessageLoop, type Message } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import type { ApiError } from '../api/problem';
import type { WorkspaceDetail } from '../api/types';
import { View } from '../lab/view';
import { Problem } from '../widget/components';
import { Bar } from './Bar';
import type { INotebook } from './finding';

/** Of the two there is one. */
export interface IFound {
  workspace: WorkspaceDetail | null;
  problem: ApiError | null;
}

export class LessonBar extends View {
  constructor(
    private readonly _notebook: INotebook,
    found: IFound,
    onRetry: () => void
  ) {
    const shown = { ...found };
    super(
      () => (
        <div>
          {shown.workspace ? (
            <Bar
              key={shown.workspace.id}
              workspace={shown.workspace}
              environments={_notebook.environments}
              commands={_notebook.commands}
            />
          ) : (
            shown.problem && (
              <Problem problem={shown.problem} onRetry={onRetry} />
            )
          )}
        </div>
      ),
      [_notebook.environments.changed]
    );
    this._found = shown;
    this.addClass('sd-lesson-bar');
    this.node.tabIndex = -1; // has the keyboard when a button in it goes
  }

  /** In the place of what was found before. */
  set found(found: IFound) {
    Object.assign(this._found, found);
    this._leave();
    if (this.isVisible) {
      this._look();
    }
    this.update();
  }

  override dispose(): void {
    this._leave();
    this._sizes.disconnect();
    super.dispose();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    const content = this.node.firstElementChild;
    if (content) {
      this._sizes.observe(content);
    }
    if (this.isVisible) {
      this._look();
    }
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this._look();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this._leave();
  }

  protected override onBeforeDetach(msg: Message): void {
    this._leave();
    this._sizes.disconnect();
    super.onBeforeDetach(msg);
  }

  private _look(): void {
    const { workspace } = this._found;
    if (workspace) {
      this._watching ??= this._notebook.environments.watch(workspace.id);
    }
  }

  private _leave(): void {
    this._watching?.dispose();
    this._watching = null;
  }

  // Lumino's boxes do not follow the height of what is in them.
  private readonly _sizes = new ResizeObserver(() => {
    const height = this.node.firstElementChild?.scrollHeight ?? 0;
    this.node.style.minHeight = `${height}px`;
    if (this.parent) {
      MessageLoop.postMessage(this.parent, Widget.Msg.FitRequest);
    }
  });
  private readonly _found: IFound;
  private _watching: IDisposable | null = null;
}
