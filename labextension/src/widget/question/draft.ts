/** What a learner has typed so far, and the answer it makes. */

import { isRecord, isString } from '../../api/guards';
import { t, tn } from '../../i18n';
import type { IQuestion } from './question';

/** Everything any form asks for; a form uses its part of it. */
export interface IDraft {
  /** number, text, prose, and the reasons of a choice. */
  text: string;
  low: string;
  high: string;
  picked: readonly string[];
  /** Of prose: what the fields beside it say, by their ids. */
  claims: Readonly<Record<string, string>>;
}

export const EMPTY: IDraft = {
  text: '',
  low: '',
  high: '',
  picked: [],
  claims: {}
};

/** A draft as it was kept, or an answer's value put back into the form. */
export function readDraft(value: unknown): IDraft {
  if (isString(value) || typeof value === 'number') {
    return { ...EMPTY, text: String(value) };
  }
  if (Array.isArray(value)) {
    return { ...EMPTY, picked: value.filter(isString) };
  }
  if (!isRecord(value)) {
    return EMPTY;
  }
  const text = (name: string): string => {
    const found = value[name];
    return isString(found) || typeof found === 'number' ? String(found) : '';
  };
  const picked = value['picked'];
  const claims = isRecord(value['claims']) ? value['claims'] : {};
  return {
    text: text('text') || text('because'),
    low: text('low'),
    high: text('high'),
    picked: Array.isArray(picked)
      ? picked.filter(isString)
      : isString(value['choice'])
        ? [value['choice']]
        : [],
    claims: Object.fromEntries(
      Object.entries(claims).flatMap(([id, said]) =>
        isString(said) || typeof said === 'number' ? [[id, String(said)]] : []
      )
    )
  };
}

/** An answer's value, put back into the form of its question. */
export function draftOf(question: IQuestion, value: unknown): IDraft {
  return question.form === 'choice' && isString(value)
    ? { ...EMPTY, picked: [value] }
    : readDraft(value);
}

/** The answer a draft makes, or what is still missing. */
export type Made = { value: unknown } | { missing: string };

export function makeAnswer(question: IQuestion, draft: IDraft): Made {
  switch (question.form) {
    case 'number':
      return madeNumber(draft.text);
    case 'interval':
      return madeInterval(draft);
    case 'choice': {
      const [id] = draft.picked;
      return id === undefined ? { missing: t('Pick one.') } : { value: id };
    }
    case 'choices':
      return madeChoices(question, draft);
    case 'text':
      return draft.text.trim()
        ? { value: draft.text.trim() }
        : { missing: t('Write an answer first.') };
    case 'prose':
      return madeProse(question, draft);
    case 'defend': {
      const [choice] = draft.picked;
      if (choice === undefined) {
        return { missing: t('Choose one of the ways.') };
      }
      const short = tooShort(draft.text, question.minWords);
      return short
        ? { missing: short }
        : { value: { choice, because: draft.text.trim() } };
    }
  }
}

/** Count the different words, as the grader does: the same one again says nothing new. */
export function countWords(text: string): number {
  return new Set(text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? []).size;
}

function tooShort(text: string, least: number): string | null {
  const words = countWords(text);
  return words < Math.max(least, 1)
    ? tn(
        'Say why: at least {count} different word.',
        'Say it in at least {count} different words.',
        Math.max(least, 1)
      )
    : null;
}

function madeProse({ claims, minWords }: IQuestion, draft: IDraft): Made {
  const stated: Record<string, unknown> = {};
  for (const { id, options } of claims) {
    const said = draft.claims[id] ?? '';
    const made = options.length > 0 ? { value: said } : madeNumber(said);
    if (!said || !('value' in made)) {
      return { missing: t('Fill in every field above.') };
    }
    stated[id] = made.value;
  }
  const text = draft.text.trim();
  const short = tooShort(text, minWords);
  return short
    ? { missing: short }
    : { value: claims.length > 0 ? { text, claims: stated } : text };
}

/** A number in groups of thousands; after a leading 0 a comma is a decimal one. */
const GROUPS = /^[+-]?[1-9]\d*([,_ ]\d{3})+(?!\d)/;

/** `1,200`, `0.8` or with a unit, which the grader converts. */
function madeNumber(text: string): Made {
  const trimmed = text.trim();
  if (!/\d/.test(trimmed)) {
    return { missing: t('Give a number.') };
  }
  const plain = Number(
    trimmed.replace(GROUPS, found => found.replace(/[,_ ]/g, ''))
  );
  return { value: Number.isFinite(plain) ? plain : trimmed };
}

function madeInterval({ low, high }: IDraft): Made {
  const from = madeNumber(low);
  const to = madeNumber(high);
  if (!('value' in from) || !('value' in to)) {
    return { missing: t('Give both ends of the range.') };
  }
  if (
    typeof from.value === 'number' &&
    typeof to.value === 'number' &&
    from.value > to.value
  ) {
    return { missing: t('The low end is above the high end.') };
  }
  return { value: { low: from.value, high: to.value } };
}

function madeChoices({ pick, options }: IQuestion, { picked }: IDraft): Made {
  const inOrder = options.map(({ id }) => id).filter(id => picked.includes(id));
  if (inOrder.length === 0) {
    return { missing: t('Pick at least one.') };
  }
  if (pick !== null && inOrder.length !== pick) {
    return { missing: tn('Pick {count}.', 'Pick {count} of them.', pick) };
  }
  return { value: inOrder };
}
