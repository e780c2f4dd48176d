/**
 * Every string a user sees goes through `t`. Outside Lab the English text is the text; in Lab a
 * plugin puts Lab's translations behind it, for all of our bundles in the page.
 */

import { page } from './connection/page';

/** gettext's two questions; the English text is the key. */
export interface ITranslations {
  gettext(message: string): string;
  ngettext(one: string, many: string, count: number): string;
}

// Lab's gettext takes ten times as long as a look-up, and a dashboard asks again for every sample.
const known = new WeakMap<ITranslations, Map<string, string>>();

/** Put translations behind `t` and `tn`. */
export function setTranslations(translations: ITranslations | null): void {
  page().translations = translations;
}

/** Translate `message` and fill its `{names}`. */
export function t(
  message: string,
  values: Readonly<Record<string, string | number>> = {}
): string {
  const { translations } = page();
  return fill(
    translations ? translated(translations, message) : message,
    values
  );
}

/** Choose between singular and plural, both with `{count}`. */
export function tn(one: string, many: string, count: number): string {
  const chosen =
    page().translations?.ngettext(one, many, count) ??
    (count === 1 ? one : many);
  return fill(chosen, { count });
}

function translated(translations: ITranslations, message: string): string {
  let messages = known.get(translations);
  if (!messages) {
    messages = new Map();
    known.set(translations, messages);
  }
  let text = messages.get(message);
  if (text === undefined) {
    text = translations.gettext(message);
    messages.set(message, text);
  }
  return text;
}

function fill(
  text: string,
  values: Readonly<Record<string, string | number>>
): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : String(value);
  });
}
