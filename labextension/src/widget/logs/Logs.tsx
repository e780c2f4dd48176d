/** Logs of all services as they are written: filter, search, pause. */

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { ILogLine } from '../../api/types';
import type { IConnection } from '../../connection/choose';
import { formatClock } from '../../format';
import { t, tn } from '../../i18n';
import { Button, ConnectionBanner, Problem } from '../components';
import { useRedraw, useSession, useUniqueId } from '../hooks';
import { LogLines, linesOf, passes, severity, type IFilter } from './lines';

const TAIL = 500;

export function Logs(props: {
  connection: IConnection | null;
  environment: string;
  /** Follow the environment; else nothing is asked and nothing drawn. */
  active: boolean;
  /** Whose lines are shown until the reader chooses another. */
  service: string | null;
  /** Whoever shows this says how the connection is. */
  quiet?: boolean;
  /** Lines that are known already. */
  initial?: readonly ILogLine[];
}): JSX.Element {
  const { connection, environment, active } = props;
  const redraw = useRedraw();
  const [filter, setFilter] = useState<IFilter>({
    service: props.service,
    search: ''
  });
  useEffect(() => {
    setFilter(before =>
      before.service === props.service
        ? before
        : { ...before, service: props.service }
    );
  }, [props.service]);
  const [paused, setPaused] = useState(false);
  const [held, setHeld] = useState(0);
  const lines = useRef<LogLines | null>(null);
  lines.current ??= begun(props.initial ?? []);
  const all = lines.current;
  const list = useRef<LineList | null>(null);
  const id = useUniqueId();

  const wanted = useRef({ filter, paused });
  wanted.current = { filter, paused };
  const { link, reload } = useSession(connection, environment, active, {
    load: async api => {
      const page = await api.logs(environment, null, TAIL);
      all.load(linesOf(page.lines));
      if (!wanted.current.paused) {
        list.current?.replace(all.select(wanted.current.filter));
      }
      redraw();
    },
    onEvents: events => {
      show(
        all.add(
          events.flatMap(event =>
            event.type === 'log.line'
              ? [{ ...event.data, ts: event.data.ts ?? event.ts }]
              : []
          )
        )
      );
    }
  });
  const show = (fresh: readonly ILogLine[]): void => {
    if (fresh.length === 0) {
      return; // most events are not of logs, and looking where the list ends costs a layout
    }
    if (paused) {
      setHeld(
        count => count + fresh.filter(line => passes(line, filter)).length
      );
    } else {
      list.current?.append(fresh.filter(line => passes(line, filter)));
    }
    redraw();
  };

  const scroller = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (scroller.current) {
      list.current = new LineList(scroller.current);
    }
  }, []);
  const catchUp = (): void => {
    list.current?.replace(all.select(filter));
    setHeld(0);
  };
  useEffect(catchUp, [filter]);
  useEffect(() => {
    if (!paused) {
      catchUp();
    }
  }, [paused]);

  const services = [
    ...new Set([...all.services, ...(filter.service ? [filter.service] : [])])
  ];
  return (
    <>
      <div class="sd-head">
        <span class="sd-title">{t('Logs')}</span>
        <span class="sd-actions">
          <label class="sd-field" for={`${id}-service`}>
            {t('Service')}
            <select
              id={`${id}-service`}
              value={filter.service ?? ''}
              onChange={event => {
                setFilter({
                  ...filter,
                  service: event.currentTarget.value || null
                });
              }}
            >
              <option value="">{t('all')}</option>
              {services.map(name => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
          <label class="sd-field" for={`${id}-search`}>
            {t('Search')}
            <input
              id={`${id}-search`}
              type="search"
              value={filter.search}
              onInput={event => {
                setFilter({ ...filter, search: event.currentTarget.value });
              }}
            />
          </label>
          <Button
            pressed={paused}
            onClick={() => {
              setPaused(!paused);
            }}
          >
            {t('Pause')}
          </Button>
        </span>
      </div>
      {!props.quiet && <ConnectionBanner link={link} onRetry={reload} />}
      {!props.quiet && link.state === 'failed' && (
        <Problem problem={link.problem} onRetry={reload} />
      )}
      <div
        ref={scroller}
        class="sd-logs"
        role="log"
        aria-live="off"
        aria-label={t('Log lines')}
        tabIndex={0}
      />
      <div class="sd-muted sd-foot">
        {link.state === 'missing'
          ? t('The environment is not started yet.')
          : paused
            ? tn(
                'Paused; {count} line came since.',
                'Paused; {count} lines came since.',
                held
              )
            : t('Following; the newest line is at the end.')}
      </div>
    </>
  );
}

/** The lines on the screen: appended to, not drawn anew, and followed while at the end. */
class LineList {
  constructor(private readonly _scroller: HTMLElement) {}

  replace(lines: readonly ILogLine[]): void {
    this._scroller.replaceChildren();
    this._add(lines);
    this._scroller.scrollTop = this._scroller.scrollHeight;
  }

  append(lines: readonly ILogLine[]): void {
    const { scrollTop, clientHeight, scrollHeight } = this._scroller;
    const atEnd = scrollTop + clientHeight >= scrollHeight - 8;
    this._add(lines);
    if (atEnd) {
      this._scroller.scrollTop = this._scroller.scrollHeight;
    }
  }

  private _add(lines: readonly ILogLine[]): void {
    const fragment = document.createDocumentFragment();
    for (const line of lines.slice(-MOST_SHOWN)) {
      fragment.append(lineElement(line));
    }
    this._scroller.append(fragment);
    while (this._scroller.childElementCount > MOST_SHOWN) {
      this._scroller.firstElementChild?.remove();
    }
  }
}

const MOST_SHOWN = 1000;

function lineElement(line: ILogLine): HTMLElement {
  const row = document.createElement('div');
  const bad = severity(line.line);
  row.className = bad ? `sd-log-line sd-log-${bad}` : 'sd-log-line';
  const time = document.createElement('span');
  time.className = 'sd-log-time';
  time.textContent = formatClock(line.ts);
  const service = document.createElement('span');
  service.className = 'sd-log-service';
  service.textContent = line.service;
  const text = document.createElement('span');
  text.className = 'sd-log-text';
  text.textContent = line.line;
  row.append(time, service, text);
  return row;
}

function begun(known: readonly ILogLine[]): LogLines {
  const lines = new LogLines();
  lines.load(known);
  return lines;
}
