/** The charts: one stretch of time for all, that can be stopped, with what happened in it. */

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ServiceStatus } from '../api/types';
import { LiveChart } from '../charts/livechart';
import type { IChartMark } from '../charts/marks';
import type { ChartData } from '../charts/ring';
import type { MetricStore } from '../charts/store';
import { drawInTurn, leaveTurn } from '../charts/turns';
import { formatClock } from '../format';
import { t, tn } from '../i18n';
import { Button } from '../widget/components';
import { useUniqueId, useVisible } from '../widget/hooks';
import { chartList, unitFormat, type IChartSpec } from './chartlist';
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
  const end = held ?? state.end ?? Date.now() / 1000;
  const range: readonly [number, number] = [end - stretch, end];
  const marks = state.timeline.since(range[0]);
  const stamp = JSON.stringify([range, marks]);
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
              setHeld(held === null ? end : null);
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
            store={
              spec.source === 'clients' ? state.clients.store : state.metrics
            }
            range={range}
            marks={marks}
            stamp={stamp}
            held={held !== null}
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

function Chart(props: {
  spec: IChartSpec;
  store: MetricStore;
  range: readonly [number, number];
  marks: readonly IChartMark[];
  /** Differs when range or marks do. */
  stamp: string;
  /** Samples that came since are not looked at. */
  held: boolean;
  sync: string;
}): JSX.Element {
  const { spec, store, range, marks, stamp } = props;
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<LiveChart | null>(null);
  const drawn = useRef('');
  const visible = useVisible(place);
  const signature = useMemo(() => JSON.stringify(spec), [spec]);
  useEffect(() => {
    const made = new LiveChart({
      title: spec.title,
      series: spec.lines,
      ...unitFormat(spec.unit),
      formatX: formatClock,
      ...(spec.top === undefined ? {} : { top: spec.top }),
      ...(spec.limit ? { limit: spec.limit } : {}),
      height: HEIGHT,
      marked: true,
      sync: props.sync
    });
    chart.current = made;
    drawn.current = '';
    place.current?.append(made.element);
    return () => {
      leaveTurn(made);
      made.dispose();
      chart.current = null;
    };
  }, [signature, props.sync]);
  useEffect(() => {
    if (!visible) {
      return;
    }
    const now = `${props.held ? 'held' : store.version} ${stamp}`;
    const { current } = chart;
    if (drawn.current !== now && current) {
      drawn.current = now;
      drawInTurn(current, () => {
        current.setData(dataOf(spec, store, range), range, marks);
      });
    }
  });
  return <div ref={place} class="sd-chart-place" />;
}

const HEIGHT = 160;

function dataOf(
  spec: IChartSpec,
  store: MetricStore,
  [from, to]: readonly [number, number]
): ChartData {
  const data = store.window(
    spec.lines.map(({ metric }) => metric),
    from,
    to
  );
  if ((data[0].at(-1) ?? 0) < from) {
    return [[], ...spec.lines.map(() => [])]; // old news, which a legend must not tell as new
  }
  spec.lines.forEach(({ over }, index) => {
    const column = data[index + 1];
    if (over !== undefined && column) {
      data[index + 1] = column.map(value =>
        value === null ? null : value / over
      );
    }
  });
  return data;
}
