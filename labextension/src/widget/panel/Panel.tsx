/** The control panel of an environment: its state, its services, and the buttons. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { IStartOptions } from '../../api/client';
import { isRecord, isString } from '../../api/guards';
import type { EnvironmentStatus } from '../../api/types';
import { page } from '../../connection/page';
import { formatClock } from '../../format';
import { t } from '../../i18n';
import { asRuntime, startOptions } from '../../settings/starting';
import { useRedraw, useSession, useVisible, type IViewProps } from '../hooks';
import { useEnvironmentActions } from './actions';
import { Head } from './Head';
import { Migrations } from './Migrations';
import { ServiceCard } from './ServiceCard';
import { advance, spoken, Usage, type IPanelState } from './state';

export function Panel({ model, connection }: IViewProps): JSX.Element {
  const { props } = model;
  const root = useRef<HTMLDivElement>(null);
  const visible = useVisible(root);
  const redraw = useRedraw();
  const usage = useRef(new Usage()).current;
  const state = useRef<IPanelState>({
    status: storedStatus(model.snapshot('status')),
    saved: null
  });
  const [news, setNews] = useState('');

  const update = (next: IPanelState): void => {
    const said = spoken(state.current.status, next.status);
    if (said) {
      setNews(said);
    }
    if (
      state.current.status?.state !== 'ready' &&
      next.status?.state === 'ready'
    ) {
      actions.clear(); // whatever kept it from starting is over
    }
    state.current = next;
    redraw();
  };
  const { link, reload } = useSession(connection, props.environment, visible, {
    onEnvironment: status => {
      update({ ...state.current, status });
    },
    load: async api => {
      usage.load(await api.metrics(props.environment));
      redraw();
    },
    onEvents: events => {
      for (const event of events) {
        if (event.type === 'metric.sample') {
          usage.add(event.ts, event.data.values);
        }
      }
      update(advance(state.current, events));
    }
  });
  const actions = useEnvironmentActions({
    connection,
    workspace: props.workspace,
    environment: props.environment,
    status: state.current.status,
    link,
    reload,
    options: optionsOf(props.raw['runtime']),
    onStatus: changed => {
      update({ ...state.current, status: changed });
    },
    message: storedText(model.snapshot('message'))
  });
  useEffect(() => {
    if (link.state === 'missing' && state.current.status) {
      update({ ...state.current, status: null });
    }
  }, [link]);

  const { status, saved } = state.current;
  return (
    <div ref={root} tabIndex={-1} class="sd-card sd-panel">
      <Head
        title={props.title || props.lesson}
        sub={props.title && props.lesson}
        status={status}
        link={link}
        reload={reload}
        actions={actions}
      />
      {status && status.services.length > 0 && (
        <ul class="sd-services" aria-label={t('Services')}>
          {status.services.map(service => (
            <ServiceCard key={service.name} service={service} usage={usage} />
          ))}
        </ul>
      )}
      {status && (
        <Migrations
          migrations={status.migrations}
          pending={status.pending}
          canApply={actions.usable && actions.up}
          busy={actions.busy === 'apply'}
          message={actions.message}
          onApply={actions.apply}
        />
      )}
      {saved && (
        <div class="sd-muted sd-foot">
          {t('{file} saved at {time}', {
            file: saved.path,
            time: formatClock(saved.ts)
          })}
        </div>
      )}
      <span class="sd-hidden" role="status">
        {news}
      </span>
    </div>
  );
}

/** What is set in this page; the runtime that the notebook names goes before it. */
function optionsOf(named: unknown): IStartOptions {
  const set = startOptions(page().settings);
  return { ...set, runtime: asRuntime(named) ?? set.runtime };
}

function storedStatus(value: unknown): EnvironmentStatus | null {
  if (!isRecord(value) || !Array.isArray(value['services'])) {
    return null;
  }
  // Written by Python of the same package from the same model.
  const stored: Record<string, unknown> = { pending: [], ...value };
  return stored as EnvironmentStatus;
}

function storedText(value: unknown): string {
  return isString(value) ? value : '';
}
