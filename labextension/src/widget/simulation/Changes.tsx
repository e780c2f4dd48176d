/** What differs between two steps. */

import type { JSX } from 'preact';
import { isRecord } from '../../api/guards';
import { t } from '../../i18n';
import { brief } from './message';
import { formatTime } from './spacetime';
import type { Timeline } from './timeline';
import { nodeName } from './trace';

export function Changes(props: {
  timeline: Timeline;
  before: number;
  after: number;
}): JSX.Element {
  const { timeline, before, after } = props;
  const changes = timeline.difference(before, after);
  return (
    <div class="sd-sim-changes">
      <div class="sd-muted">
        {t('From step {before} ({from}) to step {after} ({to}):', {
          before,
          after,
          from: formatTime(timeline.step(before).t),
          to: formatTime(timeline.step(after).t)
        })}
      </div>
      {changes.length === 0 ? (
        <div>{t('No server changed.')}</div>
      ) : (
        <div class="sd-table-wrap">
          <table class="sd-table">
            <thead>
              <tr>
                <th scope="col">{t('Server')}</th>
                <th scope="col">{t('What')}</th>
                <th scope="col">{t('Before')}</th>
                <th scope="col">{t('After')}</th>
              </tr>
            </thead>
            <tbody>
              {changes.map(change => (
                <tr key={`${change.node}/${change.field}`}>
                  <th scope="row">{nodeName(change.node)}</th>
                  <td class="sd-code">{change.field}</td>
                  <td class="sd-code">{valueWords(change.before)}</td>
                  <td class="sd-code">{valueWords(change.after)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

/** A log shows the terms of its entries; everything else in few characters. */
function valueWords(value: unknown): string {
  if (!Array.isArray(value)) {
    return brief(value);
  }
  if (value.length === 0) {
    return t('empty');
  }
  return value
    .map((each: unknown) => {
      if (isRecord(each) && 'term' in each) {
        return brief(each['term']);
      }
      return Array.isArray(each) ? brief(each[0]) : brief(each);
    })
    .join(' ');
}
