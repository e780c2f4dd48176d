import { Timeline } from '../../src/widget/simulation/timeline';
import { parseTrace } from '../../src/widget/simulation/trace';
import { narrate } from '../../src/widget/simulation/words';
import { ELECTION, lines } from './trace';

const timeline = new Timeline(parseTrace(ELECTION));

test('a step is an event with all that it led to', () => {
  expect(timeline.steps.map(({ t, event }) => [t, event?.kind ?? ''])).toEqual([
    [0, ''],
    [1000, 'timer'],
    [3000, 'message'],
    [4000, 'message'],
    [5000, 'fault'],
    [5500, 'fault'],
    [6000, 'missed'],
    [8000, '']
  ]);
});

test('states are those after each step, and shared where nothing changed', () => {
  const [start, asked, voted, led] = timeline.steps;
  expect(start?.nodes.get(1)?.probe?.['role']).toBe('follower');
  expect(asked?.nodes.get(1)?.probe).toMatchObject({
    role: 'candidate',
    term: 1,
    commit: 0
  });
  expect(led?.nodes.get(1)?.probe?.['log']).toEqual([
    { type: 'Entry', term: 1, command: null }
  ]);
  expect(voted?.nodes.get(1)).toBe(asked?.nodes.get(1));
  expect(timeline.step(5).nodes.get(2)).toMatchObject({
    state: 'down',
    probe: null
  });
});

test('a timer that is not set anew began when it was set', () => {
  expect(timeline.step(2).nodes.get(2)?.timers.get('election')).toEqual({
    set: 0,
    due: 9000
  });
  expect(timeline.step(1).nodes.get(1)?.timers.get('election')).toEqual({
    set: 1000,
    due: 12000
  });
});

test.each([
  [999, []],
  [
    1000,
    [
      [5, 0],
      [6, 0]
    ]
  ],
  [
    2000,
    [
      [5, 0.5],
      [6, 0.0625]
    ]
  ],
  [
    3000,
    [
      [6, 0.125],
      [7, 0]
    ]
  ],
  [
    3500,
    [
      [6, 0.15625],
      [7, 0.5]
    ]
  ],
  [
    5000,
    [
      [6, 0.25],
      [8, 0.5]
    ]
  ]
])('at %d these are on their way', (t, expected) => {
  const flying = timeline.inFlight(t);
  expect(flying.map(({ message, way }) => [message.id, way])).toEqual(expected);
});

test('what becomes of a message is known', () => {
  const fates = timeline.messages.map(({ id, fate }) => [id, fate]);
  expect(fates).toEqual([
    [5, 'arrived'],
    [6, 'lost'],
    [7, 'arrived'],
    [8, 'missed']
  ]);
});

test('messages die with their sender, unless they arrive all the same', () => {
  const sent = {
    kind: 'send',
    node: 1,
    dst: 2,
    number: 1,
    arrivals: 1,
    message: 'hello'
  };
  const read = (...rest: object[]): (string | number)[][] =>
    new Timeline(
      parseTrace(
        lines(
          { ...sent, t: 10, id: 1 },
          { t: 20, kind: 'crashed', node: 1 },
          ...rest,
          { t: 90, kind: 'end', outcome: {} }
        )
      )
    ).messages.map(({ fate, until }) => [fate, until]);
  expect(read()).toEqual([['lost', 20]]);
  const arrived = { t: 50, kind: 'message', id: 1, src: 1, node: 2 };
  expect(read({ ...arrived, message: 'hello' })).toEqual([['arrived', 50]]);
  // A paused node hands on what it kept under a new number.
  expect(read({ ...arrived, id: 7, message: 'other' })).toEqual([['lost', 20]]);
});

test('cut links count from the fault on', () => {
  expect([...timeline.step(3).cuts]).toEqual([]);
  expect([...timeline.step(4).cuts]).toEqual(['3>1', '1>3']);
});

test('the difference of two steps, in both directions and of none', () => {
  expect(timeline.difference(1, 2)).toEqual([
    { node: 2, field: 'term', before: 0, after: 1 },
    { node: 2, field: 'voted_for', before: null, after: 1 }
  ]);
  expect(timeline.difference(2, 1)[0]).toMatchObject({ before: 1, after: 0 });
  expect(timeline.difference(3, 3)).toEqual([]);
  expect(timeline.difference(4, 5)[0]).toEqual({
    node: 2,
    field: 'state',
    before: 'up',
    after: 'down'
  });
});

test('every step is told in words', () => {
  const told = timeline.steps.map(step => narrate(timeline, step));
  expect(told[1]).toBe(
    'S1: the election timer runs out. S1 votes for itself in term 1. ' +
      'S1 sends RequestVote to S2 and S3. Lost on the way to S3.'
  );
  expect(told[3]).toContain('S1 becomes leader of term 1.');
  expect(told[3]).toContain('S1 sends a heartbeat to S2.');
  expect(told[4]).toBe('Fault: S3 is cut off from the other servers.');
  expect(told.at(-1)).toBe('Here it breaks: S2 votes twice.');
});

test('rules of a protocol may bring their own words', () => {
  const other = new Timeline(
    parseTrace(
      lines(
        { t: 1, kind: 'timer', node: 1, id: 1, name: 'votes' },
        { t: 1, kind: 'decided', node: 1, words: 'commits c1.1' },
        { t: 1, kind: 'settled', node: 2 }
      )
    )
  );
  expect(other.steps.map(step => narrate(other, step))).toContain(
    'S1: the votes timer runs out. S1 commits c1.1. S2: settled. The run ends.'
  );
});

test('lines that make no sense are left out', () => {
  const odd = new Timeline(
    parseTrace('nonsense\n[1]\n{"t":1}\n{"kind":"state","probe":3}\n\n')
  );
  expect(odd.steps).toHaveLength(1);
  expect(odd.nodes).toEqual([]);
  expect(odd.inFlight(0)).toEqual([]);
});
