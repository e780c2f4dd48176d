/** Fields of a form, from a JSON schema: the part of it that arguments of faults use. */

import { isRecord, isString } from '../api/guards';
import { t } from '../i18n';

/** `{"type": "object", "properties": …}`. */
export type IObjectSchema = Readonly<Record<string, unknown>>;

export interface IFormField {
  name: string;
  kind: 'number' | 'integer' | 'text' | 'boolean' | 'choice';
  title: string;
  description: string;
  required: boolean;
  /** As it is typed. */
  initial: string;
  minimum: number | null;
  maximum: number | null;
  /** Whether the bounds themselves are left out. */
  aboveMinimum: boolean;
  belowMaximum: boolean;
  options: readonly string[];
}

export type Typed = Readonly<Record<string, string>>;

/** Return the fields of a schema, in its order. */
export function fieldsOf(schema: IObjectSchema): readonly IFormField[] {
  const properties = schema['properties'];
  if (!isRecord(properties)) {
    return [];
  }
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  return Object.entries(properties).flatMap(([name, value]) =>
    isRecord(value) ? [field(name, value, required.includes(name))] : []
  );
}

export function initialOf(fields: readonly IFormField[]): Typed {
  return Object.fromEntries(fields.map(({ name, initial }) => [name, initial]));
}

/** What is wrong with each field; empty: nothing. */
export function problemsOf(
  fields: readonly IFormField[],
  typed: Typed
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const each of fields) {
    const problem = problemOf(each, (typed[each.name] ?? '').trim());
    if (problem) {
      found[each.name] = problem;
    }
  }
  return found;
}

/** The arguments as the API takes them; fields that were left empty are left out. */
export function valuesOf(
  fields: readonly IFormField[],
  typed: Typed
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const { name, kind } of fields) {
    const text = (typed[name] ?? '').trim();
    if (kind === 'boolean') {
      values[name] = text === 'true';
    } else if (text !== '') {
      values[name] =
        kind === 'number' || kind === 'integer' ? Number(text) : text;
    }
  }
  return values;
}

function field(
  name: string,
  schema: Record<string, unknown>,
  required: boolean
): IFormField {
  const choices = ofOptional(schema)['enum'];
  const options = Array.isArray(choices)
    ? choices.map(value => String(value))
    : [];
  const type = typeOf(schema);
  const bounds = ofOptional(schema);
  const number = (key: string): number | null => {
    const value = bounds[key];
    return typeof value === 'number' ? value : null;
  };
  const given = schema['default'];
  return {
    name,
    kind: options.length > 0 ? 'choice' : type,
    title: isString(schema['title']) ? schema['title'] : spelled(name),
    description: isString(schema['description']) ? schema['description'] : '',
    required,
    initial:
      typeof given === 'string' ||
      typeof given === 'number' ||
      typeof given === 'boolean'
        ? String(given)
        : required
          ? (options[0] ?? '')
          : '',
    minimum: number('minimum') ?? number('exclusiveMinimum'),
    maximum: number('maximum') ?? number('exclusiveMaximum'),
    aboveMinimum: number('exclusiveMinimum') !== null,
    belowMaximum: number('exclusiveMaximum') !== null,
    options
  };
}

function spelled(name: string): string {
  const words = name.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Of `anyOf` with null (pydantic's optional), the other one. */
function ofOptional(schema: Record<string, unknown>): Record<string, unknown> {
  const either = schema['anyOf'];
  const one: unknown = Array.isArray(either)
    ? either.find((each: unknown) => isRecord(each) && each['type'] !== 'null')
    : undefined;
  return isRecord(one) ? { ...schema, ...one } : schema;
}

function typeOf(schema: Record<string, unknown>): IFormField['kind'] {
  const type = [ofOptional(schema)['type']]
    .flat()
    .find((each: unknown) => each !== 'null');
  return type === 'number' || type === 'integer' || type === 'boolean'
    ? type
    : 'text';
}

function problemOf(each: IFormField, text: string): string {
  if (text === '') {
    return each.required && each.kind !== 'boolean' ? t('This is needed.') : '';
  }
  if (each.kind === 'choice') {
    return each.options.includes(text) ? '' : t('Choose one of these.');
  }
  if (each.kind !== 'number' && each.kind !== 'integer') {
    return '';
  }
  const value = Number(text);
  if (!Number.isFinite(value)) {
    return t('This has to be a number.');
  }
  if (each.kind === 'integer' && !Number.isInteger(value)) {
    return t('This has to be a whole number.');
  }
  const { minimum, maximum } = each;
  if (
    minimum !== null &&
    (each.aboveMinimum ? value <= minimum : value < minimum)
  ) {
    return each.aboveMinimum
      ? t('More than {minimum}.', { minimum })
      : t('At least {minimum}.', { minimum });
  }
  if (
    maximum !== null &&
    (each.belowMaximum ? value >= maximum : value > maximum)
  ) {
    return each.belowMaximum
      ? t('Less than {maximum}.', { maximum })
      : t('At most {maximum}.', { maximum });
  }
  return '';
}
