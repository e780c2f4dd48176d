/**
 * Every string a user sees goes through `t`. Outside Lab the English text is the text; in Lab the
 * plugins can put an `ITranslator` behind it.
 */

export type Translate = (message: string) => string;

let translate: Translate = message => message;

/** Put a translation behind `t` (gettext-like: the English text is the key). */
export function setTranslation(next: Translate): void {
  translate = next;
}

/** Translate `message` and fill its `{names}`. */
export function t(
  message: string,
  values: Readonly<Record<string, string | number>> = {}
): string {
  return translate(message).replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : String(value);
  });
}

/** Choose between singular and plural, both with `{count}`. */
export function tn(one: string, many: string, count: number): string {
  return t(count === 1 ? one : many, { count });
}
