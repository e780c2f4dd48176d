/**
 * What all copies of our code in one page share.
 *
 * Every widget model loads its own copy of the widget module, and the Lab plugins are another bundle:
 * they meet under one symbol. Its key has a version, so that bundles of two releases do not mix.
 */

import type { ITranslations } from '../i18n';
import type { ISysdesignSettings } from '../tokens';
import type { EventHub } from './hub';
import type { IServer } from './server';
import type { ITransport } from './transport';

/** The part of a widget manager that tells whether a model lives. */
export interface IModelOwner {
  has_model(id: string): boolean;
}

export function isModelOwner(value: unknown): value is IModelOwner {
  return (
    typeof value === 'object' &&
    value !== null &&
    'has_model' in value &&
    typeof value.has_model === 'function'
  );
}

/** The widget managers of this page that hold one of our models. */
export class LiveModels extends EventTarget {
  /** Count a model of `owner`; the result uncounts it. */
  add(owner: IModelOwner): () => void {
    this._owners.set(owner, (this._owners.get(owner) ?? 0) + 1);
    this.dispatchEvent(new Event('change'));
    return () => {
      const left = (this._owners.get(owner) ?? 1) - 1;
      if (left > 0) {
        this._owners.set(owner, left);
      } else {
        this._owners.delete(owner);
      }
      this.dispatchEvent(new Event('change'));
    };
  }

  has(model: string): boolean {
    return [...this._owners.keys()].some(owner => owner.has_model(model));
  }

  private readonly _owners = new Map<IModelOwner, number>();
}

export interface IPage {
  /** Put here by plugin `jupyter-sysdesign:connection`. */
  server: IServer | null;
  /** The transport through the server, once one view has found that it works. */
  transport: Promise<ITransport | null> | null;
  /** Put here by plugin `jupyter-sysdesign:translation`; without it, English. */
  translations: ITranslations | null;
  /** Put here by plugin `jupyter-sysdesign:settings`; without it, nothing can be set. */
  settings: ISysdesignSettings | null;
  readonly hubs: Map<string, EventHub>;
  readonly models: LiveModels;
  /** An answer was given: an event named after the workspace; its detail is the view's id. */
  readonly answers: EventTarget;
}

const KEY = Symbol.for('jupyter-sysdesign/1');

/** Return this page's shared state, made on first use. */
export function page(): IPage {
  const shared = globalThis as { [KEY]?: IPage };
  shared[KEY] ??= {
    server: null,
    transport: null,
    translations: null,
    settings: null,
    hubs: new Map(),
    models: new LiveModels(),
    answers: new EventTarget()
  };
  return shared[KEY];
}
