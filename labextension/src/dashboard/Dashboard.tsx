/** The dashboard of one environment: its state, its picture, its charts, its logs, and what to do. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Api } from '../api/client';
import { asProblem, type ApiError } from '../api/problem';
import type { IConnection } from '../connection/choose';
import { t } from '../i18n';
import { startOptions } from '../settings/starting';
import type { ISysdesignSettings } from '../tokens';
import { Button, Note, Problem } from '../widget/components';
import { useOver, useRedraw, useSession, useVisible } from '../widget/hooks';
import { Logs } from '../widget/logs/Logs';
import { useEnvironmentActions } from '../widget/panel/actions';
import { Head } from '../widget/panel/Head';
import { Migrations } from '../widget/panel/Migrations';
import { ChartGrid } from './ChartGrid';
import { ChecksPanel } from './ChecksPanel';
import { FaultPanel } from './FaultPanel';
import { Happenings } from './Happenings';
import { LoadPanel } from './LoadPanel';
import { SaveNote } from './SaveNote';
import type { ISpot } from './saves';
import { ServicePanel } from './ServicePanel';
import { DashboardState } from './state';
import { Tabs } from './Tabs';
import { Topology } from './Topology';

/** Until runs are asked for again where one is not known. */
const RUNS_AGAIN_MS = 2000;

export interface IDashboardProps {
  connection: IConnection;
  /** Its environment has the same id. */
  workspace: string;
  /** A saved layout brought it back: where the workspace is gone, so is its dashboard. */
  restored: boolean;
  /** What the user set; null: nothing. */
  settings: ISysdesignSettings | null;
  /** The lesson's title, once it is known. */
  onTitle: (title: string) => void;
  /** Opens a file at a line, its path as the file browser shows it. */
  onOpen?: (path: string, line: number) => void;
  /** The workspace is gone: nothing is left to show. */
  onGone: () => void;
}

export function Dashboard(props: IDashboardProps): JSX.Element {
  const { connection, workspace } = props;
  const root = useRef<HTMLDivElement>(null);
  const picture = useRef<HTMLElement>(null);
  const visible = useVisible(root);
  const redraw = useRedraw();
  const held = useRef<DashboardState | null>(null);
  held.current ??= new DashboardState(workspace);
  const state = held.current;
  const [selected, setSelected] = useState<string | null>(null);
  const [tab, setTab] = useState('load');
  const [gone, setGone] = useState<ApiError | null>(null);
  const runsAsked = useRef(false);

  const { link, reload } = useSession(connection, workspace, visible, {
    onEnvironment: status => {
      setGone(null);
      state.take(status);
      redraw();
    },
    load: async api => {
      await state.load(api);
      redraw();
    },
    onEvents: events => {
      const { changed, runs } = state.advance(events);
      if (runs && !runsAsked.current) {
        runsAsked.current = true;
        void state
          .loadRuns(new Api(connection.transport))
          .then(redraw, () => undefined) // a later tick asks again
          .finally(() => {
            // Ticks come ten times a second, also while nobody answers.
            setTimeout(() => {
              runsAsked.current = false;
            }, RUNS_AGAIN_MS);
          });
      }
      if (tab !== 'checks' && events.some(({ type }) => type === 'verdict')) {
        state.news = state.timeline.verdictWords; // the panel that says it is hidden
      }
      if (changed) {
        redraw();
      }
    }
  });

  // Without an environment the workspace still says what it is about.
  useEffect(() => {
    if (link.state !== 'missing') {
      return;
    }
    state.take(null);
    state.describe(new Api(connection.transport)).then(
      () => {
        setGone(null);
        redraw();
      },
      (error: unknown) => {
        const problem = asProblem(error);
        if (problem.code !== 'not_found') {
          return; // the connection is told elsewhere
        }
        if (props.restored && !state.workspace) {
          props.onGone();
        } else {
          setGone(problem);
        }
      }
    );
  }, [link.state]);

  useEffect(() => {
    const { settings } = props;
    settings?.changed.connect(redraw);
    return () => {
      settings?.changed.disconnect(redraw);
    };
  }, []);

  const title = state.lesson?.title ?? '';
  useEffect(() => {
    if (title) {
      props.onTitle(title);
    }
  }, [title]);

  const { status } = state;
  const actions = useEnvironmentActions({
    connection,
    workspace,
    environment: workspace,
    status,
    link,
    reload,
    options: startOptions(props.settings),
    onStatus: changed => {
      state.take(changed);
      redraw();
    }
  });
  useOver(actions, status?.state);

  if (gone) {
    return (
      <div ref={root} class="sd-dash">
        <div class="sd-tile">
          <Problem
            title={t('This workspace is not there any more')}
            problem={gone}
          />
          <div class="sd-actions sd-actions-left">
            <Button onClick={props.onGone}>{t('Close')}</Button>
          </div>
        </div>
      </div>
    );
  }

  if (state.workspace?.has_services === false) {
    return (
      <div ref={root} class="sd-dash">
        <div class="sd-tile">
          <Note look="info" title={title || state.workspace.lesson}>
            {t('This lesson takes place in the notebook: nothing to start.')}
          </Note>
        </div>
      </div>
    );
  }

  const service =
    status?.services.find(({ name }) => name === selected) ?? null;
  const folder = state.workspace?.path;
  const open =
    props.onOpen && folder != null
      ? ({ path, line }: ISpot) => {
          props.onOpen?.(`${folder}/${path}`, line);
        }
      : undefined;
  const { last: save } = state.saves;
  const { running } = state;
  return (
    <div ref={root} class="sd-dash">
      <div class="sd-tile sd-dash-head">
        <Head
          title={title || state.workspace?.lesson || workspace}
          sub={title ? (state.workspace?.lesson ?? '') : ''}
          status={status}
          link={link}
          reload={reload}
          actions={actions}
          told={save?.services.find(({ reason }) => reason)?.reason}
          confirm={{
            stop: props.settings?.confirmStop ?? false,
            reset: props.settings?.confirmReset ?? true
          }}
        />
        {save && <SaveNote save={save} onOpen={open} />}
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
      </div>
      {status && (
        <div class="sd-dash-body">
          <section
            ref={picture}
            class="sd-tile sd-dash-picture"
            aria-label={t('Services and links')}
          >
            <Topology
              status={status}
              figures={state}
              faults={state.faults}
              traffic={running ? running.profile : t('no load')}
              selected={service?.name ?? null}
              onSelect={setSelected}
            />
            {service && (
              <ServicePanel
                key={service.name}
                service={service}
                connection={connection}
                environment={workspace}
                figures={state}
                up={actions.up}
                onClose={() => {
                  // The keyboard goes back to its box.
                  picture.current
                    ?.querySelector<HTMLElement>('[aria-pressed="true"]')
                    ?.focus();
                  setSelected(null);
                }}
              />
            )}
          </section>
          <div class="sd-dash-side">
            <Tabs
              label={t('Panels')}
              chosen={tab}
              onChoose={setTab}
              tabs={[
                {
                  id: 'load',
                  title: t('Load'),
                  badge: running ? t('running') : undefined,
                  content: (
                    <LoadPanel
                      state={state}
                      connection={connection}
                      environment={workspace}
                      up={actions.up}
                      onChange={redraw}
                    />
                  )
                },
                {
                  id: 'faults',
                  title: t('Faults'),
                  badge:
                    state.faults.length > 0
                      ? String(state.faults.length)
                      : undefined,
                  content: (
                    <FaultPanel
                      library={state.library}
                      active={state.faults}
                      status={status}
                      connection={connection}
                      environment={workspace}
                      up={actions.up}
                    />
                  )
                },
                {
                  id: 'checks',
                  title: t('Checks'),
                  badge: state.checking ? t('running') : undefined,
                  content: (
                    <ChecksPanel
                      state={state}
                      connection={connection}
                      environment={workspace}
                      onChange={redraw}
                    />
                  )
                }
              ]}
            />
            <section class="sd-tile" aria-label={t('What happened')}>
              <h2 class="sd-tile-title">{t('What happened')}</h2>
              <Happenings marks={state.timeline.marks} />
            </section>
          </div>
          <div class="sd-dash-charts">
            <ChartGrid
              state={state}
              services={status.services}
              wanted={[
                ...(props.settings?.charts ?? []),
                ...(state.lesson?.charts ?? [])
              ]}
              only={service?.name ?? null}
            />
          </div>
          <section class="sd-tile sd-dash-logs" aria-label={t('Logs')}>
            <Logs
              connection={connection}
              environment={workspace}
              active={visible}
              quiet
              service={service?.name ?? null}
            />
          </section>
        </div>
      )}
      <span class="sd-hidden" role="status">
        {state.news}
      </span>
    </div>
  );
}
