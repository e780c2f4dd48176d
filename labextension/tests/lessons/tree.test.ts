import type {
  Answer,
  EnvironmentStatus,
  LessonSummary,
  WorkspaceDetail
} from '../../src/api/types';
import {
  progressFigures,
  progressOf,
  progressWord
} from '../../src/lessons/progress';
import {
  conceptsOf,
  lessonsOf,
  matches,
  numberOf,
  recommended,
  rowsOf,
  treeOf,
  type ILesson
} from '../../src/lessons/tree';

export function lesson(
  id: string,
  track: number,
  tier: string,
  concepts: string[] = []
): LessonSummary {
  return {
    id,
    title: `Title of ${id}`,
    track,
    tier,
    minutes: 10,
    concepts,
    summary: 'About it.',
    has_services: true
  };
}

export function workspace(
  of: string,
  done: Partial<WorkspaceDetail> = {}
): WorkspaceDetail {
  return {
    id: `${of}-1`,
    lesson: of,
    answers: {},
    questions_total: 4,
    checks_total: 2,
    checks_passed: 0,
    finished: false,
    ...done
  } as WorkspaceDetail;
}

const LESSONS = [
  lesson('t1-01-a', 1, 'crawling', ['index', 'B-tree']),
  lesson('t1-02-b', 1, 'crawling', ['pool']),
  lesson('t1-05-c', 1, 'walking', ['Pool', 'cache']),
  lesson('t2-01-d', 2, 'crawling')
];

function known(
  workspaces: WorkspaceDetail[] = [],
  environments: EnvironmentStatus[] = []
): readonly ILesson[] {
  return lessonsOf({ lessons: LESSONS, workspaces, environments });
}

test('lessons stand in their order, by track and tier', () => {
  const rows = rowsOf(treeOf(known()), new Set());
  expect(rows.map(({ id }) => id)).toEqual([
    'track-1',
    'track-1-crawling',
    't1-01-a',
    't1-02-b',
    'track-1-walking',
    't1-05-c',
    'track-2',
    'track-2-crawling',
    't2-01-d'
  ]);
  expect(rows.map(({ parent }) => parent).slice(0, 3)).toEqual([
    null,
    'track-1',
    'track-1-crawling'
  ]);
});

test('a closed branch hides what is below it, and only that', () => {
  const tree = treeOf(known());
  const without = (closed: string[]): string[] =>
    rowsOf(tree, new Set(closed)).map(({ id }) => id);
  expect(without(['track-1'])).toEqual([
    'track-1',
    'track-2',
    'track-2-crawling',
    't2-01-d'
  ]);
  expect(without(['track-1-crawling'])).not.toContain('t1-01-a');
  expect(without(['track-1-crawling'])).toContain('t1-05-c');
});

test('a branch counts what is finished', () => {
  const [track] = treeOf(known([workspace('t1-01-a', { finished: true })]));
  expect(track).toMatchObject({ lessons: 3, finished: 1 });
  expect(track?.children[0]).toMatchObject({ lessons: 2, finished: 1 });
});

test('each lesson has its workspace and that one’s environment', () => {
  const environment = { id: 't1-02-b-1', state: 'ready' } as EnvironmentStatus;
  const mine = workspace('t1-02-b');
  const [first, second] = known([mine], [environment]);
  expect(first).toMatchObject({ workspace: null, environment: null });
  expect(second).toMatchObject({ workspace: mine, environment });
});

test('goes on with what was opened last, then with the first that is new', () => {
  const next = (workspaces: WorkspaceDetail[]): string | undefined =>
    recommended(known(workspaces), workspaces)?.summary.id;
  expect(next([])).toBe('t1-01-a');
  expect(next([workspace('t1-05-c'), workspace('t1-01-a')])).toBe('t1-05-c');
  expect(
    next([
      workspace('t1-05-c', { finished: true }),
      workspace('t1-01-a', { finished: true })
    ])
  ).toBe('t1-02-b');
  expect(
    next(LESSONS.map(({ id }) => workspace(id, { finished: true })))
  ).toBeUndefined();
});

test('search takes every word, anywhere; a concept must be one of the lesson', () => {
  const found = (search: string, concept = ''): string[] =>
    known()
      .filter(each => matches(each, { search, concept }))
      .map(({ summary }) => summary.id);
  expect(found('')).toHaveLength(4);
  expect(found('  POOL ')).toEqual(['t1-02-b', 't1-05-c']);
  expect(found('title cache')).toEqual(['t1-05-c']);
  expect(found('index pool')).toEqual([]);
  expect(found('', 'pool')).toEqual(['t1-02-b']);
  expect(found('(.*')).toEqual([]);
});

test('concepts are listed once, in order', () => {
  expect(conceptsOf(known())).toEqual([
    'B-tree',
    'cache',
    'index',
    'pool',
    'Pool'
  ]);
});

test('a lesson’s number comes from its id', () => {
  expect(numberOf('t1-02-indexes')).toBe('1.2');
  expect(numberOf('t2-13-ambiguous')).toBe('2.13');
  expect(numberOf('lab-raft')).toBe('');
});

test('progress counts answers, not skips; both bring one further', () => {
  const answer = (skipped: boolean): Answer => ({ skipped }) as Answer;
  const going = progressOf(
    workspace('x', {
      answers: { a: answer(false), b: answer(true) },
      checks_passed: 1
    })
  );
  expect(going).toMatchObject({ state: 'going', answered: 1, share: 0.5 });
  expect(progressFigures(going)).toBe('1 of 4 answered, 1 of 2 checks passed');
  expect(progressWord(going)).toBe('In progress');
  const finished = progressOf(workspace('x', { finished: true }));
  expect(finished).toMatchObject({ state: 'finished', share: 1 });
  expect(progressFigures(progressOf(null))).toBe('');
  const empty = progressOf(
    workspace('x', { questions_total: 0, checks_total: 0 })
  );
  expect(empty.share).toBe(0);
});
