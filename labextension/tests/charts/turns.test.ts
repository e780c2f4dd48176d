import { drawInTurn, leaveTurn } from '../../src/charts/turns';

let drawn: string[];

function chart(name: string): () => void {
  return () => {
    drawn.push(name);
  };
}

beforeEach(() => {
  jest.useFakeTimers();
  drawn = [];
});

afterEach(() => {
  jest.useRealTimers();
});

test('a frame takes two, the next one the others', () => {
  ['a', 'b', 'c'].forEach(name => {
    drawInTurn({ name }, chart(name));
  });
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['a', 'b']);
  jest.advanceTimersToNextTimer();
  expect(drawn).toEqual(['a', 'b', 'c']);
  expect(jest.getTimerCount()).toBe(0);
});

test('only the newest drawing of a chart is done, and none of one that is gone', () => {
  const kept = {};
  const gone = {};
  drawInTurn(kept, chart('old'));
  drawInTurn(gone, chart('gone'));
  drawInTurn(kept, chart('new'));
  leaveTurn(gone);
  jest.runAllTimers();
  expect(drawn).toEqual(['new']);
});

test('one that waits is not overtaken by those that were drawn', () => {
  const charts = ['a', 'b', 'c', 'd'].map(name => ({ name }));
  for (let sample = 0; sample < 2; sample += 1) {
    charts.forEach(each => {
      drawInTurn(each, chart(each.name));
    });
    jest.advanceTimersToNextTimer();
  }
  expect(drawn).toEqual(['a', 'b', 'c', 'd']);
  jest.runAllTimers();
});
