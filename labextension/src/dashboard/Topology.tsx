/** The services and what flows between them, as a picture that is also a list of buttons. */

import type { CSSProperties, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type {
  ActiveFault,
  EnvironmentStatus,
  ServiceStatus
} from '../api/types';
import { formatCores, formatMs, formatRate, formatShare } from '../format';
import { t } from '../i18n';
import { StateWord } from '../widget/components';
import { useUniqueId } from '../widget/hooks';
import { kindName } from '../widget/panel/ServiceCard';
import { serviceWord } from '../widget/states';
import { CLIENTS_NODE, entries, flow, type IFlow } from './flows';
import { arrange, NODE, type IEdge, type IPoint, type IRoute } from './layout';
import { useLive } from './live';
import type { IFigures } from './state';

/** A service at this share of its quota is close to its limit, and at its limit. */
const CLOSE = 0.8;
const FULL = 0.95;

export function Topology(props: {
  status: EnvironmentStatus;
  figures: IFigures;
  faults: readonly ActiveFault[];
  /** What clients do, in a word. */
  traffic: string;
  selected: string | null;
  onSelect: (service: string | null) => void;
}): JSX.Element {
  const { status, figures, faults, selected } = props;
  const place = useRef<HTMLDivElement>(null);
  const width = useWidth(place);
  const names = [CLIENTS_NODE, ...status.services.map(({ name }) => name)];
  const edges: readonly IEdge[] = [
    ...entries(status).map(target => ({ source: CLIENTS_NODE, target })),
    ...status.links
  ];
  const shape = JSON.stringify([names, edges]);
  const picture = useMemo(
    () => arrange(names, edges, Math.max(width, NODE.width)),
    [shape, width]
  );
  const broken = (edge: IEdge): ActiveFault | undefined =>
    faults.find(
      ({ link }) => link?.source === edge.source && link.target === edge.target
    );
  const arrow = useUniqueId();
  return (
    <div class="sd-topology" ref={place}>
      {width > 0 && (
        <div
          class="sd-topology-picture"
          style={{ width: `${picture.width}px`, height: `${picture.height}px` }}
        >
          <svg width={picture.width} height={picture.height} aria-hidden="true">
            <defs>
              {['idle', 'busy', 'bad'].map(look => (
                <marker
                  key={look}
                  id={`${arrow}-${look}`}
                  class={`sd-arrow sd-arrow-${look}`}
                  viewBox="0 0 8 8"
                  refX="7"
                  refY="4"
                  markerWidth="8"
                  markerHeight="8"
                  markerUnits="userSpaceOnUse"
                  orient="auto"
                >
                  <path d="M0 0.5 L7.5 4 L0 7.5 Z" />
                </marker>
              ))}
            </defs>
            {picture.routes.map(route => (
              <Line
                key={key(route)}
                route={route}
                status={status}
                figures={figures}
                broken={broken(route) !== undefined}
                arrow={arrow}
              />
            ))}
          </svg>
          {picture.routes.map((route, index) => (
            <Figures
              key={key(route)}
              route={route}
              status={status}
              figures={figures}
              told={picture.routes
                .slice(0, index)
                .some(({ target }) => target === route.target)}
              fault={broken(route)}
            />
          ))}
          {picture.places.map(({ name, x, y }) => {
            const style = {
              left: `${x - NODE.width / 2}px`,
              top: `${y - NODE.height / 2}px`,
              width: `${NODE.width}px`,
              height: `${NODE.height}px`
            };
            const service = status.services.find(each => each.name === name);
            return service ? (
              <Node
                key={name}
                service={service}
                style={style}
                figures={figures}
                faults={faults.filter(each => each.service === name)}
                pressed={selected === name}
                onClick={() => {
                  props.onSelect(selected === name ? null : name);
                }}
              />
            ) : (
              <div key={name} class="sd-node-place" style={style}>
                <div class="sd-clients">
                  <span class="sd-service-name">{t('Clients')}</span>
                  <span class="sd-muted">{props.traffic}</span>
                </div>
              </div>
            );
          })}
        </div>
      )}
      <ul class="sd-hidden" aria-label={t('Links')}>
        {edges.map(edge => (
          <Spoken
            key={key(edge)}
            edge={edge}
            status={status}
            figures={figures}
            fault={broken(edge)}
          />
        ))}
      </ul>
    </div>
  );
}

function Node(props: {
  service: ServiceStatus;
  style: CSSProperties;
  figures: IFigures;
  faults: readonly ActiveFault[];
  pressed: boolean;
  onClick: () => void;
}): JSX.Element {
  const { service, faults } = props;
  const up = service.state !== 'stopped' && service.state !== 'failed';
  const word = serviceWord(service.state);
  return (
    <div class="sd-node-place" style={props.style}>
      <button
        type="button"
        class={`sd-node sd-node-${faults.length > 0 ? 'bad' : word.look}`}
        aria-pressed={props.pressed}
        data-service={service.name}
        onClick={props.onClick}
      >
        <span class="sd-node-row">
          <span class="sd-service-name" title={service.name}>
            {service.name}
          </span>
          <span class="sd-muted sd-node-kind">{kindName(service.kind)}</span>
        </span>
        <span class="sd-node-row">
          <StateWord {...word} />
          {faults.length > 0 && (
            <span class="sd-fault-flag">{faults[0]?.name}</span>
          )}
        </span>
        <Meter
          metric={up ? `${service.name}.cpu_cores` : null}
          figures={props.figures}
          quota={service.cpus ?? null}
        />
      </button>
    </div>
  );
}

/** CPU against its quota. */
function Meter(props: {
  /** null: there is nothing to measure. */
  metric: string | null;
  figures: IFigures;
  quota: number | null;
}): JSX.Element {
  const { metric, quota } = props;
  const { sampled, latest } = props.figures;
  const used = useLive(sampled, () => {
    const cores = metric === null ? null : latest(metric);
    return cores === null ? null : Math.round(cores * 100) / 100;
  });
  const share = used === null ? 0 : used / (quota ?? 1);
  const look = share >= FULL ? 'full' : share >= CLOSE ? 'close' : 'free';
  return (
    <span class="sd-meter">
      <span class="sd-meter-text sd-num">
        <span>
          {quota === null
            ? t('CPU {used}', { used: formatCores(used) })
            : t('CPU {used} of {quota}', {
                used: formatCores(used),
                quota: formatCores(quota)
              })}
        </span>
        {used !== null && quota !== null && (
          <span class={`sd-meter-share sd-meter-${look}`}>
            {formatShare(Math.min(share, 1))}
          </span>
        )}
      </span>
      <span class="sd-meter-track" aria-hidden="true">
        <span
          class={`sd-meter-bar sd-meter-${look}`}
          style={{ width: `${Math.min(1, share) * 100}%` }}
        />
      </span>
    </span>
  );
}

/** What a link's flow is, as it is shown and said. */
interface IToldFlow extends Pick<IFlow, 'shared' | 'cut'> {
  busy: boolean;
  rate: string;
  ms: string;
}

function useFlow(
  { source, target }: IEdge,
  status: EnvironmentStatus,
  { sampled, latest }: IFigures
): IToldFlow {
  return useLive(sampled, () => {
    const { per_s, ms, shared, cut } = flow(status, source, target, latest);
    const busy = (per_s ?? 0) > 0;
    return {
      busy,
      rate: per_s === null ? '' : formatRate(per_s),
      ms: busy && ms !== null ? formatMs(ms) : '',
      shared,
      cut
    };
  });
}

function Line(props: {
  route: IRoute;
  status: EnvironmentStatus;
  figures: IFigures;
  broken: boolean;
  arrow: string;
}): JSX.Element {
  const { route, arrow } = props;
  const { busy, cut } = useFlow(route, props.status, props.figures);
  const look = props.broken ? 'bad' : busy ? 'busy' : 'idle';
  return (
    <path
      d={route.path}
      class={`sd-route sd-route-${cut && !props.broken ? 'cut' : look}`}
      marker-end={`url(#${arrow}-${look})`}
    />
  );
}

function Figures(props: {
  route: IRoute;
  status: EnvironmentStatus;
  figures: IFigures;
  /** Another link has the figures that this one shares. */
  told: boolean;
  fault: ActiveFault | undefined;
}): JSX.Element {
  const { route, fault } = props;
  const { rate, ms, shared, cut } = useFlow(route, props.status, props.figures);
  const at = ({ x, y }: IPoint): CSSProperties => ({
    left: `${x}px`,
    top: `${y}px`
  });
  return (
    <>
      {cut && !fault && (
        <span
          class="sd-figures sd-muted"
          style={at(route.middle)}
          aria-hidden="true"
        >
          {t('nothing')}
        </span>
      )}
      {rate && !(shared && props.told) && (
        <span
          class="sd-figures sd-num"
          style={at(shared ? route.late : route.middle)}
          aria-hidden="true"
        >
          <span class="sd-figures-rate">{rate}</span>
          {shared && <span class="sd-muted">{t('in all')}</span>}
          {ms && <span class="sd-muted">{ms}</span>}
        </span>
      )}
      {fault && (
        <span class="sd-figures" style={at(route.early)} aria-hidden="true">
          <span class="sd-fault-flag">{fault.name}</span>
        </span>
      )}
    </>
  );
}

/** A link, for those who do not see the picture. */
function Spoken(props: {
  edge: IEdge;
  status: EnvironmentStatus;
  figures: IFigures;
  fault: ActiveFault | undefined;
}): JSX.Element {
  const { source, target } = props.edge;
  const told = useFlow(props.edge, props.status, props.figures);
  const from = source === CLIENTS_NODE ? t('clients') : source;
  const parts = [
    t('{source} asks {target}', { source: from, target }),
    told.cut
      ? t('nothing flows: {service} does not run', { service: told.cut })
      : '',
    told.rate && told.shared
      ? t('{rate} in all', { rate: told.rate })
      : told.rate,
    told.ms,
    props.fault ? t('fault: {name}', { name: props.fault.name }) : ''
  ];
  return <li>{parts.filter(Boolean).join(', ')}</li>;
}

function key({ source, target }: IEdge): string {
  return `${source} ${target}`;
}

/** The width an element has, in px; 0 before it is known. */
function useWidth(ref: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const measure = (): void => {
      const { clientWidth } = element;
      if (clientWidth > 0) {
        setWidth(clientWidth);
      }
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
    };
  }, [ref]);
  return width;
}
