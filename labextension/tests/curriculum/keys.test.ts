import { editableFiles } from '../../src/curriculum/files';
import { move, type Move } from '../../src/curriculum/keys';
import { lessonsOf, rowsOf, treeOf } from '../../src/lessons/tree';

const LESSONS = lessonsOf({
  lessons: [
    ['t1-01-a', 1, 'crawling', 'Diagnosing failures'],
    ['t1-02-b', 1, 'crawling', 'Indexes'],
    ['t2-01-c', 2, 'crawling', 'Partial failure']
  ].map(([id, track, tier, title]) => ({
    id: String(id),
    track: Number(track),
    tier: String(tier),
    title: String(title),
    minutes: 1,
    concepts: [],
    has_services: true,
    summary: ''
  })),
  workspaces: [],
  environments: []
});

function press(key: string, at: string, closed: string[] = []): Move | null {
  const shut = new Set(closed);
  return move(key, rowsOf(treeOf(LESSONS), shut), at, shut);
}

test('arrows walk through the lines, and stop at the ends', () => {
  expect(press('ArrowDown', 'track-1')).toEqual({
    do: 'focus',
    id: 'track-1-crawling'
  });
  expect(press('ArrowUp', 'track-1')).toBeNull();
  expect(press('ArrowDown', 't2-01-c')).toBeNull();
  expect(press('Home', 't2-01-c')).toEqual({ do: 'focus', id: 'track-1' });
  expect(press('End', 'track-1')).toEqual({ do: 'focus', id: 't2-01-c' });
});

test('right opens, then enters; left closes, then leaves', () => {
  expect(press('ArrowRight', 'track-1', ['track-1'])).toEqual({
    do: 'open',
    id: 'track-1'
  });
  expect(press('ArrowRight', 'track-1')).toEqual({
    do: 'focus',
    id: 'track-1-crawling'
  });
  expect(press('ArrowRight', 't1-01-a')).toBeNull();
  expect(press('ArrowLeft', 'track-1')).toEqual({ do: 'close', id: 'track-1' });
  expect(press('ArrowLeft', 'track-1', ['track-1'])).toBeNull();
  expect(press('ArrowLeft', 't1-02-b')).toEqual({
    do: 'focus',
    id: 'track-1-crawling'
  });
});

test('Enter opens a lesson, and turns a branch', () => {
  expect(press('Enter', 't1-02-b')).toEqual({ do: 'choose', id: 't1-02-b' });
  expect(press(' ', 'track-2')).toEqual({ do: 'close', id: 'track-2' });
  expect(press('Enter', 'track-2', ['track-2'])).toEqual({
    do: 'open',
    id: 'track-2'
  });
});

test('a letter goes to the next lesson that begins with it', () => {
  expect(press('i', 'track-1')).toEqual({ do: 'focus', id: 't1-02-b' });
  expect(press('D', 't2-01-c')).toEqual({ do: 'focus', id: 't1-01-a' });
  expect(press('z', 'track-1')).toBeNull();
  expect(press('Tab', 'track-1')).toBeNull();
  expect(press('ArrowDown', 'gone')).toBeNull();
});

test('files to change are those the lesson’s patterns name, as fnmatch reads them', () => {
  const files = [
    '.hidden',
    'app/server.py',
    'app/a/deep.py',
    'app/server.pyc',
    'compose.yaml',
    'lesson.ipynb',
    'migrations/001-a.sql',
    'migrations/x.sql'
  ];
  const edit = (...editable: string[]): readonly string[] =>
    editableFiles({ files, editable });
  expect(edit('app/server.py', 'migrations/*.sql')).toEqual([
    'app/server.py',
    'migrations/001-a.sql',
    'migrations/x.sql'
  ]);
  expect(edit('app/*.py')).toEqual(['app/server.py', 'app/a/deep.py']);
  expect(edit('migrations/[0-9]*.sql')).toEqual(['migrations/001-a.sql']);
  expect(edit('migrations/[!0-9]*.sql')).toEqual(['migrations/x.sql']);
  expect(edit('app?server.py')).toEqual(['app/server.py']);
  expect(edit('(app')).toEqual([]);
});
