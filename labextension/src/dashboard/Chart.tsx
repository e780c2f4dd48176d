/** One chart: told every sample, drawn only when its picture has moved by a pixel or two. */

import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { LiveChart } from '../charts/livechart';
import type { ChartData } from '../charts/ring';
import type { MetricStore } from '../charts/store';
import { drawInTurn, leaveTurn } from '../charts/turns';
import { formatClock } from '../format';
import { useVisible } from '../widget/hooks';
import { unitFormat, type IChartSpec } from './chartlist';
import type { DashboardState } from './state';

const HEIGHT = 160;

export function Chart(props: {
  spec: IChartSpec;
  state: DashboardState;
  /** The time shown, s. */
  stretch: number;
  /** Where it was stopped, s since the epoch; what came since is not looked at. */
  held: number | null;
  sync: string;
}): JSX.Element {
  const { spec, state, stretch, held } = props;
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

  const look = useRef<() => void>(() => undefined);
  look.current = () => {
    const { current } = chart;
    if (!visible || !current) {
      return;
    }
    const store =
      spec.source === 'clients' ? state.clients.store : state.metrics;
    const end = held ?? current.edge(state.end, stretch);
    const from = end - stretch;
    const picture = [end, stretch, store.epoch, state.timeline.version].join();
    if (drawn.current !== picture) {
      drawn.current = picture;
      drawInTurn(current, () => {
        const marks = state.timeline.since(from);
        current.setData(dataOf(spec, store, [from, end]), [from, end], marks);
      });
    } else if (held === null) {
      current.tell(latestOf(spec, store, from));
    }
  };
  useEffect(() => {
    look.current();
  });
  useEffect(() => {
    const sampled = (): void => {
      look.current();
    };
    state.sampled.connect(sampled);
    return () => {
      state.sampled.disconnect(sampled);
    };
  }, [state]);
  return <div ref={place} class="sd-chart-place" />;
}

/** What a chart shows of its store: times, then a column for each line. */
export function dataOf(
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
      const [, whole] = store.window([over], from, to);
      data[index + 1] = column.map((value, row) => share(value, whole?.[row]));
    }
  });
  return data;
}

function latestOf(
  spec: IChartSpec,
  store: MetricStore,
  from: number
): (number | null)[] {
  return (store.end ?? 0) < from
    ? []
    : spec.lines.map(({ metric, over }) =>
        share(
          store.latest(metric),
          over === undefined ? null : store.latest(over)
        )
      );
}

function share(value: number | null, whole?: number | null): number | null {
  return value === null ? null : value / (whole ?? 1);
}
