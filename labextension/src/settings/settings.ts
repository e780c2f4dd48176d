/** What a user can set, with what it is where nothing was set. */

import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal, type ISignal } from '@lumino/signaling';
import { asNumber, isString } from '../api/guards';
import type { Runtime } from '../api/types';
import type { ISysdesignSettings } from '../tokens';
import { asRuntime } from './starting';

export class Settings implements ISysdesignSettings {
  get changed(): ISignal<ISysdesignSettings, void> {
    return this._changed;
  }

  get runtime(): Runtime | undefined {
    return asRuntime(this._value('runtime'));
  }

  get sampleInterval(): number {
    return asNumber(this._value('sampleInterval')) ?? 1;
  }

  get charts(): readonly string[] {
    const charts = this._value('charts');
    return Array.isArray(charts) ? charts.filter(isString) : [];
  }

  get confirmStop(): boolean {
    return this._value('confirmStop') === true;
  }

  get confirmReset(): boolean {
    return this._value('confirmReset') !== false;
  }

  get memoryWarning(): number {
    return asNumber(this._value('memoryWarning')) ?? 10;
  }

  /** Follow what Lab keeps; until then, and where nothing is kept, the defaults hold. */
  follow(settings: ISettingRegistry.ISettings): void {
    this._settings = settings;
    settings.changed.connect(this._tell, this);
    this._tell();
  }

  private _value(name: string): unknown {
    return this._settings?.composite[name];
  }

  private _tell(): void {
    this._changed.emit();
  }

  private _settings: ISettingRegistry.ISettings | null = null;
  private readonly _changed = new Signal<this, void>(this);
}
