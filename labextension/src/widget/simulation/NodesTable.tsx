/** What every server knows, as a table: the stage for those who read. */

import type { JSX } from 'preact';
import { isRecord } from '../../api/guards';
import { t, tn } from '../../i18n';
import { termTone } from './ink';
import { brief } from './message';
import type { INodeState, Timeline } from './timeline';
import { asNode, asNumber, isServer, nodeName } from './trace';

export function NodesTable(props: {
  timeline: Timeline;
  step: number;
}): JSX.Element {
  const { timeline, step } = props;
  const { nodes } = timeline.step(step);
  const servers = timeline.nodes.filter(isServer);
  const raft = servers.some(node => 'term' in (nodes.get(node)?.probe ?? {}));
  return (
    <div class="sd-table-wrap sd-sim-nodes">
      <table class="sd-table">
        <caption class="sd-hidden">{t('What every server knows')}</caption>
        <thead>
          <tr>
            <th scope="col">{t('Server')}</th>
            <th scope="col">{t('Role')}</th>
            {raft && (
              <th scope="col" class="sd-num">
                {t('Term')}
              </th>
            )}
            {raft && <th scope="col">{t('Vote')}</th>}
            <th scope="col">{raft ? t('Log') : t('Shows')}</th>
          </tr>
        </thead>
        <tbody>
          {servers.map(node => {
            const state = nodes.get(node);
            return (
              <tr key={node}>
                <th scope="row">{nodeName(node)}</th>
                <td>{roleWord(state)}</td>
                {raft && (
                  <td class="sd-num">
                    {state?.probe ? brief(state.probe['term']) : '–'}
                  </td>
                )}
                {raft && <td>{voteWord(state)}</td>}
                <td>
                  {raft ? (
                    <Log state={state} />
                  ) : isRecord(state?.probe?.['accepted']) ? (
                    <Slots probe={state.probe} />
                  ) : (
                    <Fields state={state} />
                  )}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function roleWord(state: INodeState | undefined): string {
  if (!state || state.state === 'down') {
    return t('down');
  }
  const role = state.probe?.['role'];
  const word = typeof role === 'string' ? role : t('up');
  return state.state === 'paused' ? t('{role}, frozen', { role: word }) : word;
}

function voteWord(state: INodeState | undefined): string {
  const vote = asNode(state?.probe?.['voted_for']);
  return vote === null ? '–' : nodeName(vote);
}

/** With more entries, only the last are drawn. */
const MOST_CELLS = 14;

/** The log as cells with the term of each entry; committed ones are filled. */
function Log({ state }: { state: INodeState | undefined }): JSX.Element {
  const log = state?.probe?.['log'];
  if (!Array.isArray(log)) {
    return <span class="sd-muted">–</span>;
  }
  const before = asNumber(state?.probe?.['before']);
  const commit = asNumber(state?.probe?.['commit']);
  const entries = log.map((entry, at) => ({
    index: before + at + 1,
    term: termOf(entry),
    command: commandOf(entry)
  }));
  const hidden = Math.max(entries.length - MOST_CELLS, 0);
  const said = t('{entries} of terms {terms}, committed up to {commit}', {
    entries: tn('{count} entry', '{count} entries', before + entries.length),
    terms: entries.map(({ term }) => term).join(', ') || t('none'),
    commit
  });
  return (
    <span class="sd-sim-log" role="img" aria-label={said}>
      {before + hidden > 0 && (
        <span class="sd-sim-more">{`…${before + hidden}`}</span>
      )}
      {entries.slice(hidden).map(({ index, term, command }) => (
        <span
          key={index}
          class={`sd-sim-cell sd-sim-term-${termTone(term)} ${index <= commit ? 'sd-sim-committed' : ''}`}
          title={`${index}: ${command}`}
        >
          {term}
        </span>
      ))}
    </span>
  );
}

/** Paxos's slots as cells with the round they were accepted in; chosen ones are filled. */
function Slots({
  probe
}: {
  probe: Readonly<Record<string, unknown>>;
}): JSX.Element {
  const { promised } = probe;
  const accepted = isRecord(probe['accepted']) ? probe['accepted'] : {};
  const known = isRecord(probe['chosen']) ? probe['chosen'] : {};
  const slots = [...new Set([...Object.keys(accepted), ...Object.keys(known)])];
  const cells = slots
    .sort((one, other) => Number(one) - Number(other))
    .map(slot => {
      const [ballot, value] = proposalOf(accepted[slot]);
      // What was chosen need not be what was accepted here, if anything was.
      const same =
        !(slot in known) ||
        JSON.stringify(known[slot]) === JSON.stringify(value);
      return {
        slot,
        ballot: same ? ballot : 0,
        value: brief(slot in known ? known[slot] : value)
      };
    });
  const hidden = Math.max(cells.length - MOST_CELLS, 0);
  const words = cells
    .slice(hidden)
    .map(({ slot, ballot, value }) =>
      slot in known
        ? t('slot {slot}: {value}, chosen', { slot, value })
        : t('slot {slot}: {value}, ballot {ballot}', { slot, value, ballot })
    );
  return (
    <span class="sd-sim-slots">
      <span class="sd-muted">
        {t('promised {ballot}', { ballot: ballotWords(promised) })}
      </span>{' '}
      <span
        class="sd-sim-log"
        role="img"
        aria-label={words.join('; ') || t('nothing accepted')}
      >
        {hidden > 0 && <span class="sd-sim-more">{`…${hidden}`}</span>}
        {cells.slice(hidden).map(({ slot, ballot, value }) => (
          <span
            key={slot}
            class={`sd-sim-cell sd-sim-term-${termTone(ballot)} ${slot in known ? 'sd-sim-committed' : ''}`}
            title={`${slot}: ${value}`}
          >
            {cells.length === 1 ? value : ballot || '✓'}
          </span>
        ))}
      </span>
    </span>
  );
}

/** Named or plain tuples: `(ballot, value)`. */
function proposalOf(proposal: unknown): readonly [number, unknown] {
  const [ballot, value] = isRecord(proposal)
    ? [proposal['ballot'], proposal['value']]
    : Array.isArray(proposal)
      ? (proposal as unknown[])
      : [];
  const round: unknown = isRecord(ballot)
    ? ballot['round']
    : Array.isArray(ballot)
      ? ballot[0]
      : 0;
  return [asNumber(round), value];
}

function ballotWords(ballot: unknown): string {
  return isRecord(ballot)
    ? `${brief(ballot['round'])}.${brief(ballot['server'])}`
    : Array.isArray(ballot)
      ? ballot.map(brief).join('.')
      : '–';
}

function Fields({ state }: { state: INodeState | undefined }): JSX.Element {
  const fields = Object.entries(state?.probe ?? {}).filter(
    ([name]) => name !== 'role'
  );
  return (
    <span class="sd-code">
      {fields
        .map(([name, value]) => `${name} ${fieldWords(value)}`)
        .join(', ') || '–'}
    </span>
  );
}

/** What is known of each server: `alive S1 S3; dead S2`, or `S1:4 S2:2` where it is counted. */
function fieldWords(value: unknown): string {
  if (!isRecord(value) || 'type' in value) {
    return brief(value);
  }
  const entries = Object.entries(value).map(
    ([key, each]) => [/^\d+$/.test(key) ? `S${key}` : key, each] as const
  );
  if (entries.length === 0) {
    return t('none');
  }
  const groups = new Map<string, string[]>();
  for (const [key, each] of entries) {
    if (typeof each !== 'string') {
      return entries.map(([name, what]) => `${name}:${brief(what)}`).join(' ');
    }
    groups.set(each, [...(groups.get(each) ?? []), key]);
  }
  return [...groups]
    .map(([what, names]) => `${what} ${names.join(' ')}`)
    .join('; ');
}

/** Entries are named or plain tuples: `(term, command)`. */
function termOf(entry: unknown): number {
  return asNumber(
    isRecord(entry) ? entry['term'] : Array.isArray(entry) ? entry[0] : 0
  );
}

function commandOf(entry: unknown): string {
  const command: unknown = isRecord(entry)
    ? entry['command']
    : Array.isArray(entry)
      ? entry[1]
      : null;
  return command === null ? t('nothing: the term begins') : brief(command);
}
