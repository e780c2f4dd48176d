/** One service: how it is, why, and how much CPU it takes. */

import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { ServiceStatus } from '../../api/types';
import { Sparkline } from '../../charts/sparkline';
import { formatBytes, formatCores } from '../../format';
import { t } from '../../i18n';
import { StateWord } from '../components';
import { serviceWord } from '../states';
import { SPAN_S, type Usage } from './state';

const KINDS: Partial<Record<string, string>> = {
  postgres: 'PostgreSQL',
  valkey: 'Valkey',
  haproxy: 'HAProxy',
  python: 'Python'
};

/** What a kind of service is called. */
export function kindName(kind: string): string {
  return KINDS[kind] ?? kind;
}

export function ServiceCard(props: {
  service: ServiceStatus;
  usage: Usage;
}): JSX.Element {
  const { service, usage } = props;
  const up = service.state !== 'stopped' && service.state !== 'failed';
  const cpu = up ? usage.latestCpu(service.name) : null;
  const memory = up ? usage.memory(service.name) : null;
  return (
    <li class={`sd-service sd-service-${serviceWord(service.state).look}`}>
      <div class="sd-service-head">
        <span class="sd-service-name">{service.name}</span>
        <span class="sd-muted">{kindName(service.kind)}</span>
      </div>
      <div class="sd-service-state">
        <StateWord {...serviceWord(service.state)} />
        {memory !== null && (
          <span class="sd-muted sd-num">{formatBytes(memory)}</span>
        )}
      </div>
      {service.reason && <div class="sd-service-reason">{service.reason}</div>}
      <div class="sd-service-cpu">
        <span class="sd-num">
          {service.cpus == null
            ? t('CPU {used}', { used: formatCores(cpu) })
            : t('CPU {used} of {quota}', {
                used: formatCores(cpu),
                quota: formatCores(service.cpus)
              })}
        </span>
        <CpuLine
          values={up ? usage.cpu(service.name) : []}
          limit={service.cpus ?? null}
        />
      </div>
    </li>
  );
}

function CpuLine(props: {
  values: readonly (number | null)[];
  limit: number | null;
}): JSX.Element {
  const canvas = useRef<HTMLCanvasElement>(null);
  const line = useRef<Sparkline | null>(null);
  useEffect(() => {
    if (!canvas.current) {
      return;
    }
    const made = new Sparkline(canvas.current);
    line.current = made;
    return () => {
      made.dispose();
    };
  }, []);
  useEffect(() => {
    line.current?.draw({ ...props, span: SPAN_S });
  });
  return <canvas ref={canvas} class="sd-spark" aria-hidden="true" />;
}
