/** What a finished run measured, in all and per endpoint. */

import type { JSX } from 'preact';
import type { RunSummary } from '../../api/types';
import {
  formatDuration,
  formatMs,
  formatNumber,
  formatRate,
  formatShare
} from '../../format';
import { t } from '../../i18n';
import { Facts, Note } from '../components';
import { sum } from './ticks';
import { errorList } from './words';

export function Summary({ summary }: { summary: RunSummary }): JSX.Element {
  const errors = sum(summary.errors);
  const share = summary.requests > 0 ? errors / summary.requests : 0;
  return (
    <>
      <Facts
        facts={[
          { name: t('Requests'), value: formatNumber(summary.requests) },
          { name: t('Throughput'), value: formatRate(summary.rps) },
          { name: t('p50'), value: formatMs(summary.p50_ms) },
          { name: t('p95'), value: formatMs(summary.p95_ms) },
          { name: t('p99'), value: formatMs(summary.p99_ms) },
          { name: t('Slowest'), value: formatMs(summary.max_ms) },
          {
            name: t('Errors'),
            value:
              errors === 0
                ? '0'
                : `${formatNumber(errors)} (${formatShare(share)})`,
            look: errors > 0 ? 'bad' : undefined
          },
          { name: t('Took'), value: formatDuration(summary.duration_s) }
        ]}
      />
      {errors > 0 && (
        <div class="sd-muted">
          {t('Errors: {list}', { list: errorList(summary.errors) })}
        </div>
      )}
      {summary.warning && <Note look="warn">{summary.warning}</Note>}
      <Endpoints endpoints={summary.endpoints} />
    </>
  );
}

function Endpoints(props: {
  endpoints: RunSummary['endpoints'];
}): JSX.Element | null {
  const entries = Object.entries(props.endpoints);
  if (entries.length === 0) {
    return null;
  }
  return (
    <div
      class="sd-table-wrap"
      tabIndex={0}
      role="region"
      aria-label={t('Endpoints')}
    >
      <table class="sd-table">
        <thead>
          <tr>
            <th scope="col">{t('Endpoint')}</th>
            <th scope="col" class="sd-num">
              {t('Requests')}
            </th>
            <th scope="col" class="sd-num">
              {t('p50')}
            </th>
            <th scope="col" class="sd-num">
              {t('p95')}
            </th>
            <th scope="col" class="sd-num">
              {t('p99')}
            </th>
            <th scope="col" class="sd-num">
              {t('Slowest')}
            </th>
            <th scope="col" class="sd-num">
              {t('Errors')}
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map(([name, stats]) => {
            const errors = sum(stats.errors);
            return (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="sd-num">{formatNumber(stats.requests)}</td>
                <td class="sd-num">{formatMs(stats.p50_ms)}</td>
                <td class="sd-num">{formatMs(stats.p95_ms)}</td>
                <td class="sd-num">{formatMs(stats.p99_ms)}</td>
                <td class="sd-num">{formatMs(stats.max_ms)}</td>
                <td
                  class={`sd-num ${errors > 0 ? 'sd-text-bad' : ''}`}
                  title={errorList(stats.errors)}
                >
                  {formatNumber(errors)}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
