import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatBytes,
  formatDuration,
  formatMs,
  formatNumber,
  formatPoints,
  formatRate,
  formatShare,
  tickMs,
  tickSeconds
} from '../src/format';
import { setTranslations, t, tn } from '../src/i18n';

test.each([
  [formatRate(3.14), '3.1/s'],
  [formatRate(9.97), '10/s'],
  [formatRate(1234.6), '1,235/s'],
  [formatDuration(3.21), '3.2 s'],
  [formatDuration(9.94), '9.9 s'],
  [formatDuration(9.97), '10 s'],
  [formatDuration(42.4), '42 s'],
  [formatDuration(59.7), '1 min 00 s'],
  [formatDuration(185), '3 min 05 s'],
  [tickMs(0), '0'],
  [tickMs(2500), '2.5 s'],
  [tickSeconds(90), '90 s'],
  [tickSeconds(150), '2:30'],
  [tickSeconds(179.5), '3:00']
])('%s', (made, expected) => {
  expect(made).toBe(expected);
});

/** The words of Python, by the names they have there; `tests/notebook/test_figures.py` holds it to them. */
const SHARED: Record<string, (value: never, ...rest: never[]) => string> = {
  number: formatNumber,
  milliseconds: formatMs,
  size: formatBytes,
  percent: formatShare,
  share: formatPoints
};

const table = JSON.parse(
  readFileSync(join(__dirname, '../../tests/data/figures.json'), 'utf-8')
) as Record<string, [given: [never], written: string][]>;

test.each(
  Object.entries(table).flatMap(([name, cases]) =>
    cases.map(([given, written]) => ({ name, given, written }))
  )
)('$name of $given is $written, as in Python', ({ name, given, written }) => {
  expect(SHARED[name]?.(...given)).toBe(written);
});

test('names are filled, unknown ones left alone', () => {
  expect(t('{a} of {b} {c}', { a: 1, b: 'two' })).toBe('1 of two {c}');
  expect(tn('{count} check', '{count} checks', 1)).toBe('1 check');
  expect(tn('{count} check', '{count} checks', 0)).toBe('0 checks');
});

test('a translation stands behind every string', () => {
  setTranslations({
    gettext: message => (message === 'Start' ? 'Los' : message),
    ngettext: (_one, many, count) =>
      count === 1 ? 'eine Zeile' : many.replace('lines', 'Zeilen')
  });
  expect(tn('{count} line', '{count} lines', 1)).toBe('eine Zeile');
  expect(tn('{count} line', '{count} lines', 3)).toBe('3 Zeilen');
  expect(t('Start')).toBe('Los');
  setTranslations(null);
});
