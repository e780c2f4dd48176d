import {
  countWords,
  draftOf,
  EMPTY,
  makeAnswer,
  readDraft,
  type IDraft
} from '../../src/widget/question/draft';
import {
  readQuestion,
  type IQuestion
} from '../../src/widget/question/question';

function question(form: string, rest: Record<string, unknown> = {}): IQuestion {
  const read = readQuestion({
    id: 'q',
    kind: 'comprehend',
    form,
    options: ['a', 'b', 'c'].map(id => ({ id, text: id })),
    ...rest
  });
  if (!read) {
    throw new Error('not a question');
  }
  return read;
}

function answer(form: string, draft: Partial<IDraft>, rest = {}): unknown {
  const made = makeAnswer(question(form, rest), { ...EMPTY, ...draft });
  return 'value' in made ? made.value : made.missing;
}

test.each([
  ['850', 850],
  [' 1,200 ', 1200],
  ['0.8', 0.8],
  ['-3e2', -300],
  ['1 200', 1200],
  ['1.2 s', '1.2 s'],
  ['800ms', '800ms'],
  ['1,2', '1,2'],
  ['0,125', '0,125'],
  ['-0,125 s', '-0,125 s'],
  ['1,2000', '1,2000'],
  ['1,234,567.5', 1234567.5],
  ['', 'Give a number.'],
  ['many', 'Give a number.']
])('number %j is %j', (text, value) => {
  expect(answer('number', { text })).toBe(value);
});

test('a range needs both ends, in order', () => {
  expect(answer('interval', { low: '10', high: '' })).toMatch(/both ends/);
  expect(answer('interval', { low: '10', high: '5' })).toMatch(/above/);
  expect(answer('interval', { low: '10', high: '100' })).toEqual({
    low: 10,
    high: 100
  });
});

test('choices come in the order of the question, and as many as asked for', () => {
  expect(answer('choice', {})).toBe('Pick one.');
  expect(answer('choice', { picked: ['b'] })).toBe('b');
  expect(answer('choices', { picked: ['c', 'a'] })).toEqual(['a', 'c']);
  expect(answer('choices', { picked: ['c'] }, { pick: 2 })).toBe(
    'Pick 2 of them.'
  );
});

test('prose and reasons need words, and the same one again is none', () => {
  expect(countWords('More, more and MORE!')).toBe(2);
  expect(answer('prose', { text: 'no no no' }, { min_words: 3 })).toMatch(
    /at least 3/
  );
  expect(answer('prose', { text: ' one two three ' }, { min_words: 3 })).toBe(
    'one two three'
  );
  expect(answer('defend', { text: 'because it is so' })).toMatch(/Choose/);
  expect(
    answer(
      'defend',
      { picked: ['a'], text: 'because it is so' },
      { min_words: 4 }
    )
  ).toEqual({ choice: 'a', because: 'because it is so' });
});

test('an answer goes back into its form', () => {
  expect(draftOf(question('number'), 850).text).toBe('850');
  expect(draftOf(question('choice'), 'b').picked).toEqual(['b']);
  expect(draftOf(question('choices'), ['a', 'c']).picked).toEqual(['a', 'c']);
  expect(draftOf(question('defend'), { choice: 'a', because: 'so' })).toEqual({
    ...EMPTY,
    picked: ['a'],
    text: 'so'
  });
  expect(draftOf(question('interval'), { low: 1, high: 2 })).toEqual({
    ...EMPTY,
    low: '1',
    high: '2'
  });
});

test('a kept draft comes back as it was; anything else is empty', () => {
  const draft = { ...EMPTY, text: 't', low: '1', picked: ['a'] };
  expect(readDraft(draft)).toEqual(draft);
  expect(readDraft(null)).toEqual(EMPTY);
  expect(readDraft(true)).toEqual(EMPTY);
});

test('what is no question is not shown as one', () => {
  expect(readQuestion({ id: 'q', form: 'essay' })).toBeNull();
  expect(readQuestion({ form: 'number' })).toBeNull();
  expect(readQuestion('q')).toBeNull();
});

const CLAIMS = {
  min_words: 2,
  claims: [
    { id: 'sites', text: 'How many?', unit: 'sites', options: [] },
    { id: 'kind', text: 'Which?', options: [{ id: 'stops', text: 'Stops' }] }
  ]
};

test('prose with claims needs every field, and numbers are numbers', () => {
  const text = 'a majority';
  expect(answer('prose', { text }, CLAIMS)).toMatch('every field');
  const half = { text, claims: { sites: '4' } };
  expect(answer('prose', half, CLAIMS)).toMatch('every field');
  const words = { text, claims: { sites: 'some', kind: 'stops' } };
  expect(answer('prose', words, CLAIMS)).toMatch('every field');
  const whole = { text, claims: { sites: '4', kind: 'stops' } };
  const made = { text, claims: { sites: 4, kind: 'stops' } };
  expect(answer('prose', whole, CLAIMS)).toEqual(made);
  expect(draftOf(question('prose', CLAIMS), made)).toEqual({
    ...EMPTY,
    ...whole
  });
});
