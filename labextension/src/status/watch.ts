/** Warns once when memory gets low, and again only after it was well in between. */

import { Notification } from '@jupyterlab/apputils';
import { formatBytes } from '../format';
import { t } from '../i18n';
import type { IEnvironments, ISysdesignSettings } from '../tokens';
import { isLow } from './memory';

/** So many times what it warns at is enough: memory moves a little all the time. */
const WELL = 1.25;

export class MemoryWatch {
  constructor(
    private readonly _environments: IEnvironments,
    private readonly _settings: ISysdesignSettings,
    /** Shows the list of environments; null where there is no place for it. */
    private readonly _onShow: (() => void) | null
  ) {
    _environments.changed.connect(this._look, this);
    _settings.changed.connect(this._look, this);
  }

  private _look(): void {
    const { machine } = this._environments;
    const percent = this._settings.memoryWarning;
    const low = isLow(machine, percent);
    if (low && machine && this._warning === null) {
      this._warning = Notification.warning(
        t(
          'Memory is running out: {available} are left. Stop an environment before the machine stops one for you.',
          { available: formatBytes(machine.available_bytes) }
        ),
        {
          autoClose: false,
          actions: this._onShow
            ? [{ label: t('Show environments'), callback: this._onShow }]
            : []
        }
      );
    } else if (this._warning !== null && !isLow(machine, percent, WELL)) {
      Notification.dismiss(this._warning);
      this._warning = null;
    }
  }

  private _warning: string | null = null;
}
