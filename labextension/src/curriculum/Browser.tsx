/** The curriculum browser: what there is, and the lesson one looks at; at first, the next one. */

import type { JSX, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { HealthNote } from '../environments/HealthNote';
import { t, tn } from '../i18n';
import type { IEnvironments } from '../tokens';
import { Button } from '../widget/components';
import { useAction, useUniqueId } from '../widget/hooks';
import { Details } from './Details';
import type { IDoings } from './doings';
import { Tree } from './Tree';
import {
  conceptsOf,
  lessonsOf,
  matches,
  recommended,
  rowsOf,
  treeOf,
  type IFilter,
  type ILesson
} from '../lessons/tree';

const ALL: IFilter = { search: '', concept: '' };

export function Browser(props: {
  environments: IEnvironments;
  doings: IDoings;
}): JSX.Element {
  const { environments, doings } = props;
  const [filter, setFilter] = useState(ALL);
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const search = useRef<HTMLInputElement>(null);

  const opening = useAction();
  const open = (lesson: ILesson): void => {
    opening.run(lesson.summary.id, () => doings.open(lesson));
  };

  const lessons = lessonsOf(environments);
  const next = recommended(lessons, environments.workspaces);
  const shown = lessons.filter(lesson => matches(lesson, filter));
  const searching = filter.search !== '' || filter.concept !== '';
  // A search shows what it found, also in branches that were closed.
  const rows = rowsOf(treeOf(shown), searching ? new Set() : closed);
  const selectedId = chosen ?? next?.summary.id ?? null;
  const selected =
    shown.find(({ summary }) => summary.id === selectedId) ??
    (searching ? shown[0] : null) ??
    null;
  const focus = rows.some(({ id }) => id === focused)
    ? focused
    : (rows.find(({ id }) => id === selected?.summary.id) ?? rows[0])?.id;

  return (
    <div class="sd-browser">
      <HealthNote environments={environments} />
      {lessons.length === 0 ? (
        <Empty environments={environments} />
      ) : (
        <>
          <Search
            field={search}
            filter={filter}
            concepts={conceptsOf(lessons)}
            found={shown.length}
            onFilter={setFilter}
          />
          <div class="sd-browser-list">
            {shown.length === 0 ? (
              <div class="sd-browser-none">
                <div class="sd-muted">{t('No lesson fits.')}</div>
                <Button
                  onClick={() => {
                    setFilter(ALL);
                    search.current?.focus(); // this button goes
                  }}
                >
                  {t('Show all')}
                </Button>
              </div>
            ) : (
              <Tree
                rows={rows}
                closed={searching ? new Set() : closed}
                next={next?.summary.id ?? null}
                focused={focus ?? ''}
                selected={selected?.summary.id ?? null}
                onFocus={row => {
                  setFocused(row.id);
                  if (row.kind === 'lesson') {
                    setChosen(row.id);
                  }
                }}
                onToggle={(id, open) => {
                  const after = new Set(closed);
                  if (open) {
                    after.delete(id);
                  } else {
                    after.add(id);
                  }
                  setClosed(after);
                }}
                onChoose={lesson => {
                  setChosen(lesson.summary.id);
                  open(lesson);
                }}
              />
            )}
          </div>
          {selected && (
            <Details
              key={selected.summary.id}
              lesson={selected}
              isNext={selected.summary.id === next?.summary.id}
              doings={doings}
              opening={opening}
              onOpen={open}
              onConcept={concept => {
                setFilter({ search: '', concept });
              }}
            />
          )}
        </>
      )}
    </div>
  );
}

function Search(props: {
  field: RefObject<HTMLInputElement>;
  filter: IFilter;
  concepts: readonly string[];
  found: number;
  onFilter: (filter: IFilter) => void;
}): JSX.Element {
  const { filter } = props;
  const id = useUniqueId();
  const searching = filter.search !== '' || filter.concept !== '';
  return (
    <div class="sd-browser-search" role="search">
      <label class="sd-hidden" for={`${id}-search`}>
        {t('Search lessons')}
      </label>
      <input
        ref={props.field}
        id={`${id}-search`}
        type="search"
        placeholder={t('Search lessons')}
        value={filter.search}
        onInput={event => {
          props.onFilter({ ...filter, search: event.currentTarget.value });
        }}
      />
      <label class="sd-hidden" for={`${id}-concept`}>
        {t('Concept')}
      </label>
      <select
        id={`${id}-concept`}
        value={filter.concept}
        onChange={event => {
          props.onFilter({ ...filter, concept: event.currentTarget.value });
        }}
      >
        <option value="">{t('All concepts')}</option>
        {props.concepts.map(concept => (
          <option key={concept} value={concept}>
            {concept}
          </option>
        ))}
      </select>
      <span class="sd-hidden" role="status">
        {searching
          ? tn('{count} lesson found', '{count} lessons found', props.found)
          : ''}
      </span>
    </div>
  );
}

/** Before the catalogue is known, and where it holds nothing. */
function Empty({
  environments
}: {
  environments: IEnvironments;
}): JSX.Element | null {
  const { state } = environments.health;
  const [waited, setWaited] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => {
      setWaited(true);
    }, PATIENCE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, []);
  if (state === 'trouble') {
    return null; // said already
  }
  return state === 'ok' && waited ? (
    <div class="sd-browser-none sd-muted">
      {t(
        'The catalogue holds no lesson. Run "sysdesign doctor" in a terminal to find out why.'
      )}
    </div>
  ) : (
    <div class="sd-browser-none sd-muted" role="status">
      <span class="sd-spinner" aria-hidden="true" />{' '}
      {t('Looking for lessons …')}
    </div>
  );
}

const PATIENCE_MS = 3000;
