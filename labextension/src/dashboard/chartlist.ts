/** Which charts there are, from the names of the metrics an environment has. */

import type { ServiceStatus } from '../api/types';
import type { IChartOptions, ISeries } from '../charts/livechart';
import { lineStyle } from '../charts/theme';
import {
  formatBytes,
  formatCores,
  formatMs,
  formatNumber,
  formatRate,
  formatShare,
  tick,
  tickMs,
  tickRate,
  tickShare
} from '../format';
import { t } from '../i18n';
import { CLIENTS } from './clients';
import { DASH, DOTS, families, type Unit } from './families';

export interface ILine extends ISeries {
  metric: string;
  /** Drawn as a part of this metric at the same time, or of 1 where that is not there. */
  over?: string;
}

export interface IChartSpec {
  id: string;
  title: string;
  /** Where it comes from: what services report, or what clients of a run see. */
  source: 'metrics' | 'clients';
  unit: Unit;
  lines: readonly ILine[];
  limit?: { value: number; label: string };
  top?: number;
}

export interface IChartList {
  /** What the lesson names, then what every system has. */
  first: readonly IChartSpec[];
  more: readonly IChartSpec[];
}

/** What clients of a run see; there before any run was. */
function clientCharts(): readonly IChartSpec[] {
  return [
    {
      id: 'clients latency',
      title: t('Latency, as clients see it'),
      source: 'clients',
      unit: 'ms',
      top: 10,
      lines: [
        { metric: CLIENTS.p50, label: t('p50'), tone: 3 },
        { metric: CLIENTS.p95, label: t('p95'), tone: 2, dash: DASH },
        { metric: CLIENTS.p99, label: t('p99'), tone: 4, dash: DOTS }
      ]
    },
    {
      id: 'clients throughput',
      title: t('Throughput, as clients see it'),
      source: 'clients',
      unit: 'rate',
      top: 10,
      lines: [
        { metric: CLIENTS.rps, label: t('answers'), tone: 1, area: true },
        { metric: CLIENTS.errors, label: t('errors'), tone: 'bad', dash: DASH }
      ]
    }
  ];
}

/**
 * All charts of an environment.
 *
 * @param names of the metrics seen so far.
 * @param wanted metrics the lesson shows first, in its order.
 * @param only a service whose charts alone are asked for.
 */
export function chartList(
  services: readonly ServiceStatus[],
  names: readonly string[],
  wanted: readonly string[],
  only: string | null
): IChartList {
  const known = new Set([...names, ...wanted]);
  const own =
    only === null ? services : services.filter(({ name }) => name === only);
  const byService = own.flatMap(service => ofService(service, known));
  const common = [
    ...(only === null ? clientCharts() : []),
    ...cpuCharts(own, only !== null)
  ];
  const covered = new Set(
    [...common, ...byService].flatMap(({ lines }) =>
      lines.flatMap(({ metric, over }) => [metric, over])
    )
  );
  const singles = [...known]
    .filter(
      name =>
        !covered.has(name) && own.some(service => isOf(name, service.name))
    )
    .map(single);
  const all = [
    ...common,
    ...byService,
    ...memoryChart(own, known),
    ...singles.filter(({ id }) => !id.endsWith('.memory_bytes'))
  ];
  const first: IChartSpec[] = [];
  const put = (spec: IChartSpec | undefined): void => {
    if (spec && !first.includes(spec)) {
      first.push(spec);
    }
  };
  if (only === null) {
    common.filter(({ source }) => source === 'clients').forEach(put);
  }
  wanted.forEach(name => {
    put(all.find(({ lines }) => lines.some(({ metric }) => metric === name)));
  });
  common.forEach(put);
  const usual = new Set(
    families().flatMap(({ id, common: yes }) => (yes ? [id] : []))
  );
  byService.filter(({ id }) => usual.has(id.split(' ')[1] ?? '')).forEach(put);
  if (only !== null) {
    byService.forEach(put);
  }
  return { first, more: all.filter(spec => !first.includes(spec)) };
}

/** How a chart writes its values. */
export function unitFormat(
  unit: Unit
): Pick<IChartOptions, 'format' | 'formatTick'> {
  switch (unit) {
    case 'rate':
      return { format: formatRate, formatTick: tickRate };
    case 'ms':
      return { format: formatMs, formatTick: tickMs };
    case 'share':
      return { format: formatShare, formatTick: tickShare };
    case 'cores':
      return { format: formatCores, formatTick: tick };
    case 'bytes':
      return { format: formatBytes, formatTick: formatBytes };
    case 'count':
      return { format: value => formatNumber(value), formatTick: tick };
    case 'number':
      return {
        format: value =>
          formatNumber(value, value !== null && value < 100 ? 2 : 0),
        formatTick: tick
      };
  }
}

function isOf(metric: string, service: string): boolean {
  return metric.startsWith(`${service}.`);
}

function ofService(
  service: ServiceStatus,
  known: ReadonlySet<string>
): IChartSpec[] {
  return families().flatMap(family => {
    const lines = family.members
      .filter(([metric]) => known.has(`${service.name}.${metric}`))
      .map(([metric, label, tone, dash]): ILine => ({
        metric: `${service.name}.${metric}`,
        label,
        tone,
        ...(dash ? { dash } : {})
      }));
    return lines.length === 0
      ? []
      : [
          {
            id: `${service.name} ${family.id}`,
            title: t('{what} · {service}', {
              what: family.title,
              service: service.name
            }),
            source: 'metrics' as const,
            unit: family.unit,
            lines,
            ...(family.top === undefined ? {} : { top: family.top })
          }
        ];
  });
}

/**
 * All services against their quotas in one; the one asked for alone in cores. A quota is that of
 * its time: a fault may change it.
 */
function cpuCharts(
  services: readonly ServiceStatus[],
  alone: boolean
): IChartSpec[] {
  const [service] = services;
  if (!service) {
    return [];
  }
  if (alone) {
    return [
      {
        id: `${service.name} cpu`,
        title: t('{what} · {service}', {
          what: t('CPU'),
          service: service.name
        }),
        source: 'metrics',
        unit: 'cores',
        top: 0.2,
        lines: [
          {
            metric: `${service.name}.cpu_cores`,
            label: t('cores'),
            tone: 1,
            area: true
          },
          {
            metric: `${service.name}.cpu_quota_cores`,
            label: t('quota'),
            tone: 'muted',
            dash: DASH
          }
        ]
      }
    ];
  }
  return [
    {
      id: 'cpu',
      title: t('CPU, of what each may use'),
      source: 'metrics',
      unit: 'share',
      top: 1.15,
      limit: { value: 1, label: t('quota') },
      lines: services.map(({ name }, index) => ({
        metric: `${name}.cpu_cores`,
        label: name,
        over: `${name}.cpu_quota_cores`,
        ...lineStyle(index)
      }))
    }
  ];
}

function memoryChart(
  services: readonly ServiceStatus[],
  known: ReadonlySet<string>
): IChartSpec[] {
  const lines = services
    .map(({ name }) => name)
    .filter(name => known.has(`${name}.memory_bytes`))
    .map((name, index) => ({
      metric: `${name}.memory_bytes`,
      label: name,
      ...lineStyle(index)
    }));
  return lines.length === 0
    ? []
    : [
        {
          id: 'memory',
          title: t('Memory'),
          source: 'metrics',
          unit: 'bytes',
          lines
        }
      ];
}

function single(metric: string): IChartSpec {
  const dot = metric.indexOf('.');
  const name = metric.slice(dot + 1);
  return {
    id: metric,
    title: t('{what} · {service}', {
      what: spelled(name),
      service: metric.slice(0, dot)
    }),
    source: 'metrics',
    unit: unitOf(name),
    lines: [{ metric, label: spelled(name), tone: 1 }]
  };
}

/** `jobs_waiting` as words, without its unit. */
function spelled(name: string): string {
  const words = name
    .replace(/_(per_s|ms|bytes|seconds|ratio|total)$/, '')
    .replaceAll(/[._]/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function unitOf(name: string): Unit {
  if (name.endsWith('_per_s')) {
    return 'rate';
  }
  if (name.endsWith('_ms')) {
    return 'ms';
  }
  if (name.endsWith('_bytes')) {
    return 'bytes';
  }
  return name.endsWith('_ratio') ? 'share' : 'number';
}
