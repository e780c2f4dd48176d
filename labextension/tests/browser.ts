/** Views in a page, and the hands of somebody who uses them. */

import { page } from '../src/connection/page';
import type { ITransport } from '../src/connection/transport';
import widget from '../src/widget/index';
import type { IAnyModel } from '../src/widget/model';

/** A model as anywidget gives it, with what was saved into it. */
export class FakeModel implements IAnyModel {
  readonly saved: Record<string, unknown>[] = [];

  constructor(private readonly _values: Record<string, unknown>) {}

  get(name: string): unknown {
    return this._values[name];
  }
  set(name: string, value: unknown): void {
    this._values[name] = value;
  }
  save_changes(): void {
    this.saved.push(this._values['snapshot'] as Record<string, unknown>);
  }
  send(): void {
    // no kernel
  }
  on(event: string, callback: (content: unknown) => void): void {
    this._listeners.set(event, callback);
  }
  off(event: string): void {
    this._listeners.delete(event);
  }
  /** Python sets a trait. */
  receive(name: string, value: unknown): void {
    this._values[name] = value;
    this._listeners.get(`change:${name}`)?.(value);
  }
  readonly widget_manager = { has_model: (): boolean => true };
  private readonly _listeners = new Map<string, (content: unknown) => void>();
}

export interface IShown {
  el: HTMLElement;
  model: FakeModel;
  remove: () => void;
}

/** Draw a view in the page, connected through `transport`. */
export async function show(
  kind: string,
  transport: ITransport,
  props: Record<string, unknown> = {},
  snapshot: Record<string, unknown> = {}
): Promise<IShown> {
  const shared = page();
  shared.hubs.clear();
  shared.transport = Promise.resolve(transport);
  const model = new FakeModel({
    kind,
    props: { lesson: 'l', workspace: 'w', environment: 'w', ...props },
    snapshot
  });
  const el = document.createElement('div');
  document.body.append(el);
  const dispose = widget.render({ model, el });
  await rest();
  return {
    el,
    model,
    remove: () => {
      dispose();
      el.remove();
    }
  };
}

/** Let time pass: effects, promises, frames and timers up to then are through. */
export async function rest(ms = 200): Promise<void> {
  await jest.advanceTimersByTimeAsync(ms);
}

/** The button that says this. */
export function button(el: Element, text: string): HTMLButtonElement {
  const found = [...el.querySelectorAll('button')].find(
    each => each.textContent === text
  );
  if (!found) {
    throw new Error(
      `no button "${text}" among ${[...el.querySelectorAll('button')]
        .map(each => each.textContent)
        .join(', ')}`
    );
  }
  return found;
}

/** The second click of a double click. */
export function clickAgain(button: HTMLButtonElement): void {
  button.dispatchEvent(new MouseEvent('click', { bubbles: true, detail: 2 }));
}

/** Type into a field. */
export function type(
  field: HTMLInputElement | HTMLTextAreaElement | null,
  text: string
): void {
  if (!field) {
    throw new Error('there is no such field');
  }
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
