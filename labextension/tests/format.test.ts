import {
  formatBytes,
  formatDuration,
  formatMs,
  formatNumber,
  formatRate,
  formatShare,
  tickMs,
  tickSeconds
} from '../src/format';
import { setTranslations, t, tn } from '../src/i18n';

test.each([
  [formatMs(null), '–'],
  [formatMs(0.512), '0.51 ms'],
  [formatMs(38.14), '38.1 ms'],
  [formatMs(861), '861 ms'],
  [formatMs(1920), '1.92 s'],
  [formatRate(3.14), '3.1/s'],
  [formatRate(1234.5), '1,235/s'],
  [formatBytes(512), '512 B'],
  [formatBytes(97 * 1024 ** 2), '97 MB'],
  [formatBytes(1.5 * 1024 ** 3), '1.5 GB'],
  [formatShare(0), '0%'],
  [formatShare(0.001), '<1%'],
  [formatShare(0.999), '>99%'],
  [formatShare(1), '100%'],
  [formatDuration(3.21), '3.2 s'],
  [formatDuration(42.4), '42 s'],
  [formatDuration(185), '3 min 05 s'],
  [formatNumber(1234567), '1,234,567'],
  [tickMs(0), '0'],
  [tickMs(2500), '2.5 s'],
  [tickSeconds(90), '90 s'],
  [tickSeconds(150), '2:30'],
  [tickSeconds(179.5), '3:00']
])('%s', (made, expected) => {
  expect(made).toBe(expected);
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
