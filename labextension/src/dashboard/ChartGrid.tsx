/** The charts: one stretch of time for all, that can be stopped, with what happened in it. */

import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { ServiceStatus } from '../api/types';
import { formatClock } from '../format';
import { t, tn } from '../i18n';
import { Button } from '../widget/components';
import { useUniqueId } from '../widget/hooks';
import { Chart } from './Chart';
import { chartList } from './chartlist';
import { useLive } from './live';
import type { DashboardState } from './state';

/** Stretches of time to choose from, s. */
const WINDOWS = [60, 300, 900];

export function ChartGrid(props: {
  state: DashboardState;
  services: readonly ServiceStatus[];
  /** Metrics the lesson shows first. */
  wanted: readonly string[];
  only: string | null;
}): JSX.Element {
  const { state, services, only } = props;
  const [stretch, setStretch] = useState(60);
  const [held, setHeld] = useState<number | null>(null);
  const [all, setAll] = useState(false);
  const sync = useUniqueId();
  useLive(state.sampled, () => state.metrics.size);
  const { names } = state.metrics;
  const signature = JSON.stringify([
    names,
    props.wanted,
    only,
    services.map(({ name, cpus }) => [name, cpus])
  ]);
  const list = useMemo(
    () => chartList(services, names, props.wanted, only),
    [signature]
  );
  const shown = all ? [...list.first, ...list.more] : list.first;
  return (
    <section class="sd-tile sd-chart-room" aria-label={t('Charts')}>
      <div class="sd-head">
        <h2 class="sd-tile-title">
          {only === null
            ? t('Charts')
            : t('Charts of {service}', { service: only })}
        </h2>
        <span class="sd-actions">
          <span class="sd-segments" role="group" aria-label={t('Time shown')}>
            {WINDOWS.map(seconds => (
              <Button
                key={seconds}
                pressed={stretch === seconds}
                onClick={() => {
                  setStretch(seconds);
                }}
              >
                {t('{minutes} min', { minutes: seconds / 60 })}
              </Button>
            ))}
          </span>
          <Button
            pressed={held !== null}
            onClick={() => {
              setHeld(held === null ? state.end : null);
            }}
          >
            {t('Pause')}
          </Button>
        </span>
      </div>
      <div class="sd-chart-grid">
        {shown.map(spec => (
          <Chart
            key={spec.id}
            spec={spec}
            state={state}
            stretch={stretch}
            held={held}
            sync={`sd-dashboard-${sync}`}
          />
        ))}
      </div>
      <div class="sd-chart-foot">
        <span class="sd-muted" role="status">
          {held === null
            ? ''
            : t('Stopped at {time}; recording goes on.', {
                time: formatClock(held)
              })}
        </span>
        {list.more.length > 0 && (
          <Button
            pressed={all}
            onClick={() => {
              setAll(!all);
            }}
          >
            {all
              ? t('Fewer charts')
              : tn(
                  '{count} more chart',
                  '{count} more charts',
                  list.more.length
                )}
          </Button>
        )}
      </div>
    </section>
  );
}
