/** Words for what a run counts. */

import { formatNumber } from '../../format';
import { t } from '../../i18n';

/** A kind of error as a learner reads it. */
export function errorName(kind: string): string {
  switch (kind) {
    case 'timeout':
      return t('timed out');
    case 'refused':
      return t('refused');
    case 'reset':
      return t('connection reset');
    default:
      return kind.startsWith('http_')
        ? t('HTTP {status}', { status: kind.slice('http_'.length) })
        : kind.replaceAll('_', ' ');
  }
}

/** `12 timed out, 3 HTTP 500`, most frequent first. */
export function errorList(errors: Readonly<Record<string, number>>): string {
  return Object.entries(errors)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, count]) => `${formatNumber(count)} ${errorName(kind)}`)
    .join(', ');
}
