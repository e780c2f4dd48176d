/** The tree of tracks, tiers and lessons: one stop for Tab, arrows within. */

import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { isRunning } from '../environments/registry';
import { t, tn } from '../i18n';
import { progressFigures, progressWord } from '../lessons/progress';
import { environmentWord } from '../widget/states';
import { move } from './keys';
import { Ring } from './Ring';
import { numberOf, type ILesson, type ITrack, type Row } from '../lessons/tree';

export function Tree(props: {
  rows: readonly Row[];
  closed: ReadonlySet<string>;
  /** The lesson to go on with. */
  next: string | null;
  /** Where the arrows are. */
  focused: string;
  /** The lesson whose details show. */
  selected: string | null;
  onFocus: (row: Row) => void;
  onToggle: (id: string, open: boolean) => void;
  onChoose: (lesson: ILesson) => void;
}): JSX.Element {
  const { rows, closed } = props;
  const root = useRef<HTMLDivElement>(null);
  const walking = useRef(false);
  useLayoutEffect(() => {
    if (walking.current) {
      walking.current = false;
      root.current
        ?.querySelector<HTMLElement>('[tabindex="0"]')
        ?.focus({ preventScroll: false });
    }
  });

  const rowOf = (id: string): Row | undefined =>
    rows.find(row => row.id === id);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const next = move(event.key, rows, props.focused, closed);
    if (!next) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const row = rowOf(next.id);
    if (next.do === 'focus' && row) {
      walking.current = true;
      props.onFocus(row);
    } else if (next.do === 'choose' && row?.kind === 'lesson') {
      props.onChoose(row.node);
    } else {
      props.onToggle(next.id, next.do === 'open');
    }
  };

  return (
    <div
      ref={root}
      class="sd-tree"
      role="tree"
      aria-label={t('Lessons')}
      onKeyDown={onKeyDown}
    >
      {rows.map(row => (
        <div
          key={row.id}
          class={`sd-row sd-row-${row.kind}`}
          role="treeitem"
          id={`sd-row-${row.id}`}
          aria-level={LEVELS[row.kind]}
          aria-expanded={
            row.kind === 'lesson' ? undefined : !closed.has(row.id)
          }
          aria-selected={row.kind === 'lesson' && row.id === props.selected}
          aria-label={spoken(row, row.id === props.next)}
          tabIndex={row.id === props.focused ? 0 : -1}
          onClick={() => {
            props.onFocus(row);
            if (row.kind !== 'lesson') {
              props.onToggle(row.id, closed.has(row.id));
            }
          }}
          onDblClick={() => {
            if (row.kind === 'lesson') {
              props.onChoose(row.node);
            }
          }}
        >
          {row.kind === 'lesson' ? (
            <LessonRow lesson={row.node} isNext={row.id === props.next} />
          ) : (
            <BranchRow row={row} open={!closed.has(row.id)} />
          )}
        </div>
      ))}
    </div>
  );
}

const LEVELS = { track: 1, tier: 2, lesson: 3 } as const;

function BranchRow(props: {
  row: Exclude<Row, { kind: 'lesson' }>;
  open: boolean;
}): JSX.Element {
  const { row } = props;
  return (
    <>
      <span
        class={`sd-caret ${props.open ? 'sd-caret-open' : ''}`}
        aria-hidden="true"
      />
      <span class="sd-row-name">
        {row.kind === 'track' ? trackName(row.node) : tierName(row.node.tier)}
      </span>
      <span class="sd-row-count sd-num" aria-hidden="true">
        {row.node.finished}/{row.node.lessons}
      </span>
    </>
  );
}

function LessonRow(props: { lesson: ILesson; isNext: boolean }): JSX.Element {
  const { lesson, isNext } = props;
  const { summary, environment } = lesson;
  const running = environment && isRunning(environment);
  return (
    <>
      <Ring progress={lesson.progress} />
      <span class="sd-row-number sd-num" aria-hidden="true">
        {numberOf(summary.id)}
      </span>
      <span class="sd-row-name" title={summary.title}>
        {summary.title}
      </span>
      {isNext && (
        <span class="sd-next" aria-hidden="true">
          {t('next')}
        </span>
      )}
      {running && (
        <span
          class={`sd-live sd-live-${environmentWord(environment.state).look}`}
          title={environmentWord(environment.state).word}
          aria-hidden="true"
        />
      )}
      <span class="sd-row-count sd-row-minutes sd-num" aria-hidden="true">
        {t('{minutes} min', { minutes: summary.minutes })}
      </span>
    </>
  );
}

export function trackName({ track }: Pick<ITrack, 'track'>): string {
  return t('Track {track}', { track });
}

export function tierName(tier: string): string {
  switch (tier) {
    case 'crawling':
      return t('Crawling');
    case 'walking':
      return t('Walking');
    case 'running':
      return t('Running');
    case 'sprinting':
      return t('Sprinting');
    default:
      return tier;
  }
}

function spoken(row: Row, isNext: boolean): string {
  if (row.kind !== 'lesson') {
    const name =
      row.kind === 'track' ? trackName(row.node) : tierName(row.node.tier);
    return `${name}, ${tn('{count} lesson', '{count} lessons', row.node.lessons)}`;
  }
  const { summary, progress, environment } = row.node;
  return [
    summary.title,
    tn('{count} minute', '{count} minutes', summary.minutes),
    isNext ? t('next') : '',
    progressWord(progress),
    progressFigures(progress),
    environment && isRunning(environment)
      ? t('environment: {state}', {
          state: environmentWord(environment.state).word
        })
      : ''
  ]
    .filter(Boolean)
    .join(', ');
}
