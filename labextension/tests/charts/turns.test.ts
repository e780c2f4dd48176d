import { drawInTurn, leaveTurn } from '../../src/charts/turns';

let now = 0;
let drawn: string[];

function chart(name: string, ms: number): () => void {
  return () => {
    now += ms;
    drawn.push(name);
  };
}

beforeEach(() => {
  jest.useFakeTimers();
  drawn = [];
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});

afterEach(() => {
  jest.useRealTimers();
});

test('a frame takes what fits into it, the next one the rest', () => {
  const charts = ['a', 'b', 'c', 'd', 'e'];
  charts.forEach(name => {
    drawInTurn({ name }, chart(name, 3));
  });
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['a', 'b', 'c']);
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(charts);
  expect(jest.getTimerCount()).toBe(0);
});

test('one that takes long is drawn all the same', () => {
  drawInTurn({}, chart('slow', 100));
  drawInTurn({}, chart('next', 1));
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['slow']);
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['slow', 'next']);
});

test('only the newest drawing of a chart is done, and none of one that is gone', () => {
  const kept = {};
  const gone = {};
  drawInTurn(kept, chart('old', 1));
  drawInTurn(gone, chart('gone', 1));
  drawInTurn(kept, chart('new', 1));
  leaveTurn(gone);
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['new']);
});
