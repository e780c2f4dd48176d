/** What may be changed from here on: a server, a link or a message, and what befalls it. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { t } from '../../i18n';
import { Button } from '../components';
import type { IBranchRequest } from './branch';
import type { Target } from './layout';
import { nameOf, messageWords } from './words';
import { formatTime } from './spacetime';
import type { Timeline } from './timeline';
import { isServer, nodeName, type NodeId } from './trace';

type Change = Pick<IBranchRequest, 'name' | 'lose' | 'faults'>;

const DURATIONS: readonly { us: number | null; words: () => string }[] = [
  { us: 100_000, words: () => t('for 100 ms') },
  { us: 300_000, words: () => t('for 300 ms') },
  { us: 1_000_000, words: () => t('for 1 s') },
  { us: null, words: () => t('until the end') }
];

export function Inspector(props: {
  timeline: Timeline;
  time: number;
  chosen: Target | null;
  busy: boolean;
  onChoose: (target: Target | null) => void;
  onChange: (change: Change) => void;
}): JSX.Element {
  const { timeline, time, chosen, busy, onChoose, onChange } = props;
  const [duration, setDuration] = useState(1);
  const [group, setGroup] = useState<ReadonlySet<NodeId>>(new Set());
  const servers = timeline.nodes.filter(isServer).map(Number);
  const lasts = DURATIONS[duration] ?? { us: null, words: () => '' };
  const flying = timeline.inFlight(time).map(({ message }) => message);
  const strike = (kind: string, what: string, target: number): void => {
    onChange({
      name: `${what} ${nodeName(target)} ${lasts.words()}`,
      faults: [{ kind, target, lasts_us: lasts.us }]
    });
  };
  const cut = (
    links: readonly (readonly [number, number])[],
    name: string
  ): void => {
    onChange({
      name: `${name} ${lasts.words()}`,
      faults: links.map(([target, to]) => ({
        kind: 'cut',
        target,
        lasts_us: lasts.us,
        arguments: { to }
      }))
    });
  };
  const message =
    chosen?.kind === 'message'
      ? timeline.messages.find(({ id }) => id === chosen.message)
      : undefined;
  return (
    <fieldset class="sd-sim-inspector">
      <legend>{t('What if, at {time} …', { time: formatTime(time) })}</legend>
      <label class="sd-field">
        {t('to')}
        <select
          value={chosen ? keyOf(chosen) : ''}
          onChange={event => {
            onChoose(targetOf(event.currentTarget.value));
          }}
        >
          <option value="">{t('choose, or click the picture')}</option>
          {servers.map(node => (
            <option key={node} value={`node:${node}`}>
              {t('server {name}', { name: nodeName(node) })}
            </option>
          ))}
          {flying
            .filter(({ fate }) => fate !== 'lost')
            .map(each => (
              <option key={each.id} value={`message:${each.id}`}>
                {messageWords(each)}
              </option>
            ))}
          {message && !flying.includes(message) && (
            <option value={`message:${message.id}`}>
              {messageWords(message)}
            </option>
          )}
          {servers.flatMap(src =>
            servers
              .filter(dst => dst !== src)
              .map(dst => (
                <option key={`${src}>${dst}`} value={`link:${src}>${dst}`}>
                  {t('link {src} → {dst}', {
                    src: nodeName(src),
                    dst: nodeName(dst)
                  })}
                </option>
              ))
          )}
          <option value="group:">{t('a group of servers')}</option>
        </select>
      </label>
      {chosen?.kind === 'message' && message && (
        <Button
          busy={busy}
          onClick={() => {
            const { src, dst, number, content } = message;
            onChange({
              name: t('{what} {src} → {dst} is lost', {
                what: nameOf(content),
                src: nodeName(src),
                dst: nodeName(dst)
              }),
              lose: [src, dst, number]
            });
          }}
        >
          {t('Lose this message')}
        </Button>
      )}
      {chosen && chosen.kind !== 'message' && (
        <label class="sd-field">
          <span class="sd-hidden">{t('How long')}</span>
          <select
            value={String(duration)}
            onChange={event => {
              setDuration(Number(event.currentTarget.value));
            }}
          >
            {DURATIONS.map(({ words }, at) => (
              <option key={at} value={String(at)}>
                {words()}
              </option>
            ))}
          </select>
        </label>
      )}
      {chosen?.kind === 'node' && typeof chosen.node === 'number' && (
        <NodeActions
          node={chosen.node}
          busy={busy}
          onStrike={strike}
          onCommand={target => {
            onChange({
              name: t('a command for {who}', { who: nodeName(target) }),
              faults: [{ kind: 'command', target, lasts_us: null }]
            });
          }}
        />
      )}
      {chosen?.kind === 'link' && (
        <LinkActions
          src={chosen.src}
          dst={chosen.dst}
          busy={busy}
          onCut={cut}
        />
      )}
      {chosen?.kind === 'group' && (
        <>
          <span class="sd-inline-fields" role="group" aria-label={t('Group')}>
            {servers.map(node => (
              <label key={node} class="sd-sim-check">
                <input
                  type="checkbox"
                  checked={group.has(node)}
                  onChange={() => {
                    const next = new Set(group);
                    if (!next.delete(node)) {
                      next.add(node);
                    }
                    setGroup(next);
                  }}
                />
                {nodeName(node)}
              </label>
            ))}
          </span>
          <Button
            busy={busy}
            disabled={group.size === 0 || group.size === servers.length}
            onClick={() => {
              const inside = servers.filter(node => group.has(node));
              const outside = servers.filter(node => !group.has(node));
              const links = inside.flatMap(one =>
                outside.flatMap(other => [
                  [one, other] as const,
                  [other, one] as const
                ])
              );
              cut(
                links,
                t('{inside} apart from the rest', {
                  inside: inside.map(nodeName).join(', ')
                })
              );
            }}
          >
            {t('Partition')}
          </Button>
        </>
      )}
    </fieldset>
  );
}

function NodeActions(props: {
  node: number;
  busy: boolean;
  onStrike: (kind: string, what: string, target: number) => void;
  onCommand: (target: number) => void;
}): JSX.Element {
  const { node, busy, onStrike, onCommand } = props;
  return (
    <>
      <Button
        busy={busy}
        onClick={() => {
          onStrike('crash', t('crash'), node);
        }}
      >
        {t('Crash')}
      </Button>
      <Button
        busy={busy}
        onClick={() => {
          onStrike('isolate', t('cut off'), node);
        }}
      >
        {t('Cut off')}
      </Button>
      <Button
        busy={busy}
        onClick={() => {
          onStrike('pause', t('freeze'), node);
        }}
      >
        {t('Freeze')}
      </Button>
      <Button
        busy={busy}
        onClick={() => {
          onCommand(node);
        }}
      >
        {t('Hand it a command')}
      </Button>
    </>
  );
}

function LinkActions(props: {
  src: NodeId;
  dst: NodeId;
  busy: boolean;
  onCut: (links: readonly (readonly [number, number])[], name: string) => void;
}): JSX.Element {
  const [src, dst] = [Number(props.src), Number(props.dst)];
  const names = { src: nodeName(src), dst: nodeName(dst) };
  return (
    <>
      <Button
        busy={props.busy}
        onClick={() => {
          props.onCut([[src, dst]], t('no link {src} → {dst}', names));
        }}
      >
        {t('Cut one way')}
      </Button>
      <Button
        busy={props.busy}
        onClick={() => {
          props.onCut(
            [
              [src, dst],
              [dst, src]
            ],
            t('no link {src} ↔ {dst}', names)
          );
        }}
      >
        {t('Cut both ways')}
      </Button>
    </>
  );
}

function keyOf(target: Target): string {
  switch (target.kind) {
    case 'node':
      return `node:${target.node}`;
    case 'message':
      return `message:${target.message}`;
    case 'link':
      return `link:${target.src}>${target.dst}`;
    case 'group':
      return 'group:';
  }
}

function targetOf(key: string): Target | null {
  const [kind, rest = ''] = key.split(':');
  if (kind === 'node') {
    return { kind, node: Number(rest) };
  }
  if (kind === 'message') {
    return { kind, message: Number(rest) };
  }
  if (kind === 'link') {
    const [src, dst] = rest.split('>').map(Number);
    return src === undefined || dst === undefined ? null : { kind, src, dst };
  }
  return kind === 'group' ? { kind } : null;
}
