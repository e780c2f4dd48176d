/** What the status bar says: how many environments run, and how much memory they take. */

import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';
import { formatBytes } from '../format';
import { t, tn } from '../i18n';
import { lessonsIcon } from '../lab/icons';
import type { IEnvironments, ISysdesignSettings } from '../tokens';
import { isLow, usedBytes } from './memory';

/** Plain DOM: it is there from the first moment, and must cost nothing. */
export class StatusItem extends Widget {
  constructor(
    private readonly _environments: IEnvironments,
    private readonly _settings: ISysdesignSettings,
    onClick: () => void
  ) {
    super();
    this.addClass('sd-status-item');
    this._button.type = 'button';
    this._button.setAttribute('aria-haspopup', 'dialog');
    this._button.addEventListener('click', onClick);
    lessonsIcon.element({
      container: this._icon,
      stylesheet: 'statusBar'
    });
    this._button.append(this._icon, this._text);
    this.node.append(this._button);
    _environments.changed.connect(this._show, this);
    _settings.changed.connect(this._show, this);
    this._show();
  }

  override dispose(): void {
    this._environments.changed.disconnect(this._show, this);
    this._settings.changed.disconnect(this._show, this);
    super.dispose();
  }

  /** Whether there is anything to say, or the list above it is open. */
  get isActive(): boolean {
    return (
      this._isOpen ||
      this._environments.running.length > 0 ||
      this._environments.health.state === 'trouble'
    );
  }

  readonly activeStateChanged = new Signal<this, void>(this);

  /** Whether the list is open; without its item it would hang in the air. */
  set isOpen(isOpen: boolean) {
    this._isOpen = isOpen;
    this._button.setAttribute('aria-expanded', String(isOpen));
    this.activeStateChanged.emit();
  }

  focus(): void {
    this._button.focus();
  }

  private _show(): void {
    const { running, machine, health } = this._environments;
    const low = isLow(machine, this._settings.memoryWarning);
    const trouble = health.state === 'trouble';
    const parts = trouble
      ? [t('System Design: not connected')]
      : [
          tn('{count} environment', '{count} environments', running.length),
          ...(machine ? [formatBytes(usedBytes(machine))] : []),
          ...(low ? [t('memory is low')] : [])
        ];
    this._text.textContent = parts.join(' · ');
    this.toggleClass('sd-mod-warn', low || trouble);
    const said = trouble
      ? health.problem.message
      : t('Environments that are running');
    this._button.title = said;
    this._button.setAttribute('aria-label', `${parts.join(', ')}. ${said}`);
    this.activeStateChanged.emit();
  }

  private _isOpen = false;
  private readonly _button = document.createElement('button');
  private readonly _icon = document.createElement('span');
  private readonly _text = document.createElement('span');
}
