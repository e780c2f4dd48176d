/** What a step is, in words: the same story for those who see it and those who hear it. */

import { t } from '../../i18n';
import { fieldsOf, isHeartbeat, typeOf, type IMessage } from './message';
import { formatTime } from './spacetime';
import type { IStep, Timeline } from './timeline';
import { asNode, asNumber, nodeName, type ILine, type NodeId } from './trace';

/** The whole step: what set it off, what changed, what was sent. */
export function narrate(timeline: Timeline, step: IStep): string {
  const parts = [
    cause(step),
    ...step.noticed.map(change).filter(text => text !== ''),
    sending(step.sent)
  ];
  if (step.index > 0 && step.index === timeline.steps.length - 1) {
    parts.push(ending(timeline));
  }
  return parts.filter(text => text !== '').join(' ');
}

/** What the run came to. */
function ending({ status, violation }: Timeline): string {
  if (violation && status === 'failed') {
    return t('Here it breaks: {why}.', { why: unstopped(violation.why) });
  }
  return status === 'passed'
    ? t('The run ends, and no rule was broken.')
    : t('The run ends.');
}

/** Steps that a story is made of: faults, elections, and the like. */
export function isNotable(step: IStep): boolean {
  const kind = step.event?.kind;
  return (
    kind === 'fault' ||
    kind === 'fault ended' ||
    kind === 'healed' ||
    step.noticed.some(tells)
  );
}

/** A notable step in few words. */
export function headline(step: IStep): string {
  const told = step.noticed.filter(tells).map(change);
  const kind = step.event?.kind;
  const fault =
    kind === 'fault' || kind === 'fault ended' || kind === 'healed'
      ? cause(step)
      : '';
  return [fault, ...told].filter(text => text !== '').join(' ');
}

const NOTABLE = new Set([
  'elected',
  'stepped down',
  'crashed',
  'restarted',
  'paused',
  'resumed',
  'truncated'
]);

function tells({ kind, rest }: ILine): boolean {
  return NOTABLE.has(kind) || rest['notable'] === true;
}

function cause(step: IStep): string {
  const { event } = step;
  if (!event) {
    return step.index === 0 ? t('The run begins.') : '';
  }
  const who = nodeName(event.node);
  const { rest } = event;
  switch (event.kind) {
    case 'timer':
      return t('{who}: the {name} timer runs out.', {
        who,
        name: String(rest['name'])
      });
    case 'message':
      return t('{who} receives {what} from {src}.', {
        who,
        what: described(rest['message']),
        src: nodeName(asNode(rest['src']))
      });
    case 'missed':
      return t('A message reaches {who}, which is down.', { who });
    case 'healed':
      return t('Every fault ends.');
    case 'fault ended':
      return t('The fault ends: {fault} of {nodes}.', {
        fault: String(rest['fault']),
        nodes: names(rest['nodes'])
      });
    default:
      return fault(event);
  }
}

function fault({ rest }: ILine): string {
  const nodes = names(rest['nodes']);
  switch (rest['fault']) {
    case 'crash':
      return t('Fault: {nodes} is killed.', { nodes });
    case 'pause':
      return t('Fault: {nodes} is frozen.', { nodes });
    case 'isolate':
      return t('Fault: {nodes} is cut off from the other servers.', { nodes });
    case 'partition':
      return t('Fault: {nodes} and {more} more are cut off from the rest.', {
        nodes,
        more: asNumber(rest['with'])
      });
    case 'cut':
      return t('Fault: the link from {nodes} to {to} is cut.', {
        nodes,
        to: nodeName(asNode(rest['to']))
      });
    case 'command':
      return t('A client hands {nodes} a command.', { nodes });
    default:
      return t('Fault: {fault} on {nodes}.', {
        fault: String(rest['fault']),
        nodes
      });
  }
}

function change(line: ILine): string {
  const who = nodeName(line.node);
  const { rest } = line;
  const number = (name: string): number => asNumber(rest[name]);
  switch (line.kind) {
    case 'elected':
      return t('{who} becomes leader of term {term}.', {
        who,
        term: number('term')
      });
    case 'stepped down':
      return t('{who} no longer leads.', { who });
    case 'voted': {
      const whom = asNode(rest['for']);
      return whom === line.node
        ? t('{who} votes for itself in term {term}.', {
            who,
            term: number('term')
          })
        : t('{who} votes for {whom} in term {term}.', {
            who,
            whom: nodeName(whom),
            term: number('term')
          });
    }
    case 'term':
      return t('{who} enters term {term}.', { who, term: number('term') });
    case 'appended':
      return t('{who} appends up to index {index}, of term {term}.', {
        who,
        index: number('index'),
        term: number('term')
      });
    case 'truncated':
      return t('{who} removes all entries behind index {after}.', {
        who,
        after: number('after')
      });
    case 'committed':
      return t('{who} commits up to index {index}.', {
        who,
        index: number('index')
      });
    case 'crashed':
      return t('{who} crashes and loses what it had not synced.', { who });
    case 'restarted':
      return t('{who} restarts with what is on its disk.', { who });
    case 'paused':
      return t('{who} is frozen.', { who });
    case 'resumed':
      return t('{who} goes on.', { who });
    case 'started':
    case 'missed':
    case 'end':
      return '';
    default: {
      // What the rules of other protocols notice, they say in words of their own.
      const { words } = rest;
      if (line.node === null) {
        return '';
      }
      return typeof words === 'string'
        ? `${who} ${words}.`
        : `${who}: ${line.kind}.`;
    }
  }
}

/** `S1 sends RequestVote to S2, S3 and S4; that to S3 is lost.` */
function sending(sent: readonly IMessage[]): string {
  const groups = new Map<string, IMessage[]>();
  for (const message of sent) {
    const key = `${nodeName(message.src)}|${nameOf(message.content)}`;
    groups.set(key, [...(groups.get(key) ?? []), message]);
  }
  return [...groups.values()]
    .map(group => {
      const [first] = group;
      if (!first) {
        return '';
      }
      const said = t('{who} sends {what} to {whom}.', {
        who: nodeName(first.src),
        what: nameOf(first.content),
        whom: listed(group.map(({ dst }) => dst))
      });
      const lost = group.filter(({ fate }) => fate === 'lost');
      return lost.length === 0
        ? said
        : `${said} ${t('Lost on the way to {whom}.', {
            whom: listed(lost.map(({ dst }) => dst))
          })}`;
    })
    .join(' ');
}

/** A message in a list to choose from. */
export function messageWords({ src, dst, content, sent }: IMessage): string {
  return t('{what} from {src} to {dst}, sent at {time}', {
    what: nameOf(content),
    src: nodeName(src),
    dst: nodeName(dst),
    time: formatTime(sent)
  });
}

export function nameOf(content: unknown): string {
  return isHeartbeat(content) ? t('a heartbeat') : typeOf(content);
}

function described(content: unknown): string {
  if (isHeartbeat(content)) {
    return nameOf(content);
  }
  const fields = fieldsOf(content);
  return fields ? `${typeOf(content)} (${fields})` : typeOf(content);
}

function names(nodes: unknown): string {
  const list = Array.isArray(nodes)
    ? nodes.map(asNode).filter(node => node !== null)
    : [];
  return listed(list) || t('nobody');
}

function listed(nodes: readonly NodeId[]): string {
  const words = nodes.map(node => nodeName(node));
  const last = words.pop() ?? '';
  return words.length === 0
    ? last
    : t('{first} and {last}', { first: words.join(', '), last });
}

function unstopped(text: string): string {
  return text.replace(/\.$/, '');
}
