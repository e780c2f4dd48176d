/** One service: its state, what it may use, and what can be done to it. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { Api, type ServiceAction } from '../api/client';
import type { ServiceStatus } from '../api/types';
import type { IConnection } from '../connection/choose';
import { formatBytes, formatCores } from '../format';
import { t } from '../i18n';
import { Button, Facts, Note, Problem, StateWord } from '../widget/components';
import { useAction, useKeyboardKept } from '../widget/hooks';
import { kindName } from '../widget/panel/ServiceCard';
import { serviceWord } from '../widget/states';
import { useLive } from './live';
import type { IFigures } from './state';

export function ServicePanel(props: {
  service: ServiceStatus;
  connection: IConnection | null;
  environment: string;
  figures: IFigures;
  /** Its environment answers. */
  up: boolean;
  onClose: () => void;
}): JSX.Element {
  const { service, connection } = props;
  const action = useAction();
  const root = useRef<HTMLElement>(null);
  useKeyboardKept(root, () => root.current); // Stop and Kill go out as soon as they have worked
  const { name, state } = service;
  const { sampled, latest } = props.figures;
  const { cpu, memory } = useLive(sampled, () => ({
    cpu: formatCores(latest(`${name}.cpu_cores`)),
    memory: formatBytes(latest(`${name}.memory_bytes`))
  }));
  const running = state === 'ready' || state === 'paused';
  const failed = state === 'failed';
  const act = (
    what: ServiceAction,
    label: string,
    allowed: boolean
  ): JSX.Element => (
    <Button
      key={what === 'resume' ? 'pause' : what}
      onClick={() => {
        if (connection) {
          action.run(what, async () => {
            await new Api(connection.transport).service(
              props.environment,
              name,
              what
            );
          });
        }
      }}
      turns={what === 'pause' || what === 'resume'}
      busy={action.busy === what}
      disabled={!allowed || !props.up || connection === null}
      danger={what === 'kill'}
    >
      {label}
    </Button>
  );
  return (
    <section
      ref={root}
      tabIndex={-1}
      class="sd-tile sd-service-panel"
      aria-label={t('Service {name}', { name })}
    >
      <div class="sd-head">
        <StateWord {...serviceWord(state)} />
        <span class="sd-title">{name}</span>
        <span class="sd-sub">{kindName(service.kind)}</span>
        <span class="sd-actions">
          {act('start', t('Start'), state === 'stopped' || state === 'failed')}
          {act('stop', t('Stop'), running)}
          {act('kill', t('Kill'), running)}
          {state === 'paused'
            ? act('resume', t('Resume'), true)
            : act('pause', t('Pause'), state === 'ready')}
          <Button
            onClick={props.onClose}
            label={t('Close, and show all services again')}
          >
            {t('Close')}
          </Button>
        </span>
      </div>
      {service.reason && (
        <Note look={failed ? 'bad' : 'info'} alert={failed}>
          <span class="sd-reason">{service.reason}</span>
        </Note>
      )}
      {action.problem && <Problem problem={action.problem} />}
      <Facts
        facts={[
          {
            name: t('CPU, cores'),
            value:
              service.cpus == null
                ? cpu
                : t('{used} of {quota}', {
                    used: cpu,
                    quota: formatCores(service.cpus)
                  })
          },
          {
            name: t('Memory'),
            value:
              service.memory_bytes == null
                ? memory
                : t('{used} of {quota}', {
                    used: memory,
                    quota: formatBytes(service.memory_bytes)
                  })
          },
          {
            name: t('Process'),
            value: service.pid == null ? '–' : String(service.pid)
          },
          ...(service.exit_code == null
            ? []
            : [
                { name: t('Last ended with'), value: String(service.exit_code) }
              ])
        ]}
      />
      <div class="sd-muted">
        {t('Charts and logs below show {name} alone.', { name })}
      </div>
    </section>
  );
}
