/** Past runs side by side: their figures, and the latencies of those picked in one chart. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Api } from '../api/client';
import { asProblem, type ApiError } from '../api/problem';
import type { Run } from '../api/types';
import { LiveChart, type ISeries } from '../charts/livechart';
import type { ChartData } from '../charts/ring';
import { lineStyle } from '../charts/theme';
import type { IConnection } from '../connection/choose';
import {
  formatClock,
  formatMs,
  formatNumber,
  formatRate,
  tickMs,
  tickSeconds
} from '../format';
import { t } from '../i18n';
import { Problem } from '../widget/components';
import { sum } from '../widget/run/ticks';
import { overlay } from './overlay';

const MOST_ROWS = 12;
const MOST_PICKED = 4;

export function RunHistory(props: {
  /** Newest first. */
  runs: readonly Run[];
  connection: IConnection | null;
  environment: string;
}): JSX.Element | null {
  const runs = props.runs.slice(0, MOST_ROWS);
  const [picked, setPicked] = useState<readonly string[]>([]);
  const [whole, setWhole] = useState<ReadonlyMap<string, Run>>(new Map());
  const [problem, setProblem] = useState<ApiError | null>(null);
  const { connection, environment } = props;
  const there = picked.filter(id => runs.some(run => run.id === id));
  useEffect(() => {
    setProblem(null);
    if (!connection) {
      return undefined;
    }
    let current = true;
    const api = new Api(connection.transport);
    for (const id of there.filter(each => !whole.has(each))) {
      api.run(environment, id).then(
        run => {
          setWhole(before => new Map(before).set(id, run));
        },
        (error: unknown) => {
          if (current) {
            setProblem(asProblem(error)); // of those that are picked now
          }
        }
      );
    }
    return () => {
      current = false;
    };
  }, [there.join()]);
  if (runs.length === 0) {
    return null;
  }
  const drawn = there.flatMap(id => whole.get(id) ?? []);
  return (
    <section class="sd-section" aria-label={t('Past runs')}>
      <div class="sd-section-head">
        <span class="sd-section-title">{t('Past runs')}</span>
        <span class="sd-muted">
          {t('pick up to {most} to lay over each other', { most: MOST_PICKED })}
        </span>
      </div>
      <div
        class="sd-table-wrap"
        tabIndex={0}
        role="region"
        aria-label={t('Figures of past runs')}
      >
        <table class="sd-table sd-runs">
          <thead>
            <tr>
              <th scope="col">
                <span class="sd-hidden">{t('Lay over')}</span>
              </th>
              <th scope="col">{t('Run')}</th>
              <th scope="col" class="sd-num">
                {t('Throughput')}
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
                {t('Errors')}
              </th>
            </tr>
          </thead>
          <tbody>
            {runs.map(run => (
              <Row
                key={run.id}
                run={run}
                place={there.indexOf(run.id)}
                full={there.length >= MOST_PICKED}
                onPick={on => {
                  setPicked(
                    on ? [...there, run.id] : there.filter(id => id !== run.id)
                  );
                }}
              />
            ))}
          </tbody>
        </table>
      </div>
      {problem && <Problem problem={problem} />}
      {drawn.length > 0 && <Overlay runs={drawn} order={there} />}
    </section>
  );
}

function Row(props: {
  run: Run;
  /** Which of the picked it is; -1: none. */
  place: number;
  full: boolean;
  onPick: (on: boolean) => void;
}): JSX.Element {
  const { run, place } = props;
  const { summary } = run;
  const errors = summary ? sum(summary.errors) : null;
  const name = runName(run);
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          checked={place >= 0}
          disabled={place < 0 && props.full}
          aria-label={t('Lay {run} over the others', { run: name })}
          style={
            place >= 0
              ? { accentColor: `var(--sd-chart-${lineStyle(place).tone})` }
              : undefined
          }
          onChange={event => {
            props.onPick(event.currentTarget.checked);
          }}
        />
      </td>
      <th scope="row">
        {run.profile}{' '}
        <span class="sd-muted sd-num">{formatClock(run.started_at)}</span>
        {run.state !== 'done' && (
          <span class="sd-muted">
            {' '}
            {run.state === 'failed' ? t('failed') : t('stopped early')}
          </span>
        )}
      </th>
      <td class="sd-num">{formatRate(summary?.rps)}</td>
      <td class="sd-num">{formatMs(summary?.p50_ms)}</td>
      <td class="sd-num">{formatMs(summary?.p95_ms)}</td>
      <td class="sd-num">{formatMs(summary?.p99_ms)}</td>
      <td class={`sd-num ${errors ? 'sd-text-bad' : ''}`}>
        {formatNumber(errors)}
      </td>
    </tr>
  );
}

function Overlay(props: {
  runs: readonly Run[];
  order: readonly string[];
}): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const signature = props.runs.map(({ id }) => id).join();
  useEffect(() => {
    const data: ChartData = overlay(props.runs);
    const chart = new LiveChart({
      title: t('p95 over the run'),
      series: props.runs.map((run): ISeries => ({
        label: runName(run),
        ...lineStyle(props.order.indexOf(run.id))
      })),
      format: formatMs,
      formatTick: tickMs,
      formatX: tickSeconds,
      top: 10,
      height: 130
    });
    place.current?.append(chart.element);
    chart.setData(data, [0, Math.max(1, data[0].at(-1) ?? 0)]);
    return () => {
      chart.dispose();
    };
  }, [signature]);
  return <div ref={place} />;
}

function runName(run: Run): string {
  return `${run.profile} ${formatClock(run.started_at)}`;
}
