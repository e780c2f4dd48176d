/** The four charts of a run, fed while it goes on. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { LiveChart, type ISeries } from '../../charts/livechart';
import type { ChartData } from '../../charts/ring';
import { lineStyle } from '../../charts/theme';
import {
  formatCores,
  formatMs,
  formatRate,
  tick,
  tickMs,
  tickRate,
  tickSeconds
} from '../../format';
import { t } from '../../i18n';

const SHORTEST_S = 5;

export interface IRunCharts {
  throughput: ChartData;
  latency: ChartData;
  lag: ChartData;
  cpu: { services: readonly string[]; data: ChartData };
}

/** Draws anew whenever it is rendered; render at most once per frame. */
export function Charts(props: {
  charts: IRunCharts;
  /** Charts of one view share their cursor. */
  sync: string;
}): JSX.Element {
  const { charts, sync } = props;
  const services = charts.cpu.services.join(' ');
  const place = useRef<HTMLDivElement>(null);
  const made = useRef<LiveChart[]>([]);
  useEffect(() => {
    const formatX = tickSeconds;
    made.current = [
      new LiveChart({
        title: t('Throughput'),
        series: [
          { label: t('requests'), tone: 1, area: true },
          { label: t('errors'), tone: 'bad', dash: [4, 3] }
        ],
        format: formatRate,
        formatTick: tickRate,
        formatX,
        top: 10,
        sync
      }),
      new LiveChart({
        title: t('Latency'),
        series: [
          { label: t('p50'), tone: 3 },
          { label: t('p95'), tone: 2, dash: [6, 4] },
          { label: t('p99'), tone: 4, dash: [2, 3] }
        ],
        format: formatMs,
        formatTick: tickMs,
        formatX,
        top: 10,
        sync
      }),
      new LiveChart({
        title: t('CPU'),
        series: charts.cpu.services.map((name, index): ISeries => ({
          label: name,
          ...lineStyle(index)
        })),
        format: value => t('{cores} cores', { cores: formatCores(value) }),
        formatTick: tick,
        formatX,
        top: 0.1,
        height: 110,
        sync
      }),
      new LiveChart({
        title: t('Load generator'),
        series: [{ label: t('its own lag, p99'), tone: 'muted' }],
        format: formatMs,
        formatTick: tickMs,
        formatX,
        top: 1,
        height: 110,
        sync
      })
    ];
    place.current?.append(...made.current.map(({ element }) => element));
    return () => {
      made.current.forEach(chart => {
        chart.dispose();
      });
      made.current = [];
    };
  }, [services, sync]);
  useEffect(() => {
    // One stretch of time for all, and not a single point across the whole width at the start.
    const end = Math.max(
      SHORTEST_S,
      charts.throughput[0].at(-1) ?? 0,
      charts.cpu.data[0].at(-1) ?? 0
    );
    [charts.throughput, charts.latency, charts.cpu.data, charts.lag].forEach(
      (data, index) => made.current[index]?.setData(data, [0, end])
    );
  });
  return <div ref={place} class="sd-charts" />;
}
