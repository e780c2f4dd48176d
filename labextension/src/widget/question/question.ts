/** A question as `LessonDetail.questions` has it, read with care: lessons are written by people. */

import { asNumber, isRecord, isString } from '../../api/guards';

export type Form =
  'number' | 'interval' | 'choice' | 'choices' | 'text' | 'prose' | 'defend';

export interface IOption {
  id: string;
  text: string;
  /** Evidence only: what kind of exhibit it is. */
  source: string;
}

/** What prose rests on, asked for as a field. */
export interface IClaim {
  id: string;
  text: string;
  unit: string;
  /** None: the claim is a number. */
  options: readonly IOption[];
}

export interface IQuestion {
  id: string;
  kind: string;
  form: Form;
  step: string;
  title: string;
  prompt: string;
  unit: string;
  options: readonly IOption[];
  /** Evidence: what has to be proved. */
  claim: string;
  /** Evidence: how many exhibits prove it. */
  pick: number | null;
  minWords: number;
  /** Prose: the fields beside it. */
  claims: readonly IClaim[];
}

const FORMS: readonly string[] = [
  'number',
  'interval',
  'choice',
  'choices',
  'text',
  'prose',
  'defend'
];

/** Read `props.question`; null where it is none. */
export function readQuestion(value: unknown): IQuestion | null {
  if (!isRecord(value) || !isString(value['id'])) {
    return null;
  }
  const text = (name: string): string => {
    const found = value[name];
    return isString(found) ? found : '';
  };
  const form = text('form');
  if (!isForm(form)) {
    return null;
  }
  const options = Array.isArray(value['options']) ? value['options'] : [];
  return {
    id: value['id'],
    kind: text('kind'),
    form,
    step: text('step'),
    title: text('title'),
    prompt: text('prompt'),
    unit: text('unit'),
    options: options.flatMap(readOption),
    claim: text('claim'),
    pick: asNumber(value['pick']),
    minWords: asNumber(value['min_words']) ?? 0,
    claims: Array.isArray(value['claims'])
      ? value['claims'].flatMap(readClaim)
      : []
  };
}

function readClaim(value: unknown): IClaim[] {
  if (!isRecord(value) || !isString(value['id'])) {
    return [];
  }
  const { id, text, unit, options } = value;
  return [
    {
      id,
      text: isString(text) ? text : id,
      unit: isString(unit) ? unit : '',
      options: Array.isArray(options) ? options.flatMap(readOption) : []
    }
  ];
}

function isForm(form: string): form is Form {
  return FORMS.includes(form);
}

function readOption(value: unknown): IOption[] {
  if (!isRecord(value) || !isString(value['id'])) {
    return [];
  }
  const { id, text, source } = value;
  return [
    {
      id,
      text: isString(text) ? text : id,
      source: isString(source) ? source : ''
    }
  ];
}
