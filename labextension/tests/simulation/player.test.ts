import { Player } from '../../src/widget/simulation/player';
import { Timeline } from '../../src/widget/simulation/timeline';
import { parseTrace } from '../../src/widget/simulation/trace';
import { ELECTION } from './trace';

const timeline = new Timeline(parseTrace(ELECTION));

function player(): Player {
  const made = new Player(timeline);
  made.speed = 1000; // one simulated millisecond a second
  return made;
}

test('it stands until it is played, then time passes by its speed', () => {
  const it = player();
  expect(it.advance(1000)).toBe(false);
  it.play(1);
  expect(it.advance(500)).toBe(true);
  expect([it.time, it.step]).toEqual([500, 0]);
  it.advance(500);
  expect([it.time, it.step]).toEqual([1000, 1]);
  it.pause();
  expect(it.advance(500)).toBe(false);
});

test('it stops at the end, and plays from the start again', () => {
  const it = player();
  it.play(1);
  it.advance(1e6);
  expect([it.time, it.direction, it.step]).toEqual([8000, 0, 7]);
  it.play(1);
  expect([it.time, it.direction]).toEqual([0, 1]);
});

test('it rewinds to the start and stops there', () => {
  const it = player();
  it.seek(4200);
  it.play(-1);
  it.advance(1000);
  expect([it.time, it.step]).toEqual([3200, 2]);
  it.advance(1e6);
  expect([it.time, it.step, it.direction]).toEqual([0, 0, 0]);
});

test('a frame without time, at either end, stops nothing', () => {
  const it = player();
  it.play(1);
  it.advance(-3);
  expect([it.time, it.direction]).toEqual([0, 1]);
  it.seek(8000);
  it.play(-1);
  it.advance(0);
  expect([it.time, it.direction]).toEqual([8000, -1]);
  it.advance(1000);
  expect(it.time).toBe(7000);
});

test('steps go from event to event, and not beyond the ends', () => {
  const it = player();
  it.move(1);
  expect([it.step, it.time]).toEqual([1, 1000]);
  it.move(2);
  expect([it.step, it.time]).toEqual([3, 4000]);
  it.move(-1);
  expect(it.step).toBe(2);
  it.move(100);
  expect(it.step).toBe(7);
  it.move(-100);
  expect([it.step, it.time]).toEqual([0, 0]);
});

test('what was seen once stays seen', () => {
  const it = player();
  it.seek(5000);
  it.seek(1000);
  expect([it.time, it.seen]).toEqual([1000, 5000]);
});

test('what is seen of one branch tells nothing of another, save what they share', () => {
  const it = player();
  it.seek(8000);
  it.seek(3500);
  const branch = new Timeline(parseTrace(ELECTION));
  it.show(branch, 3600);
  expect([it.time, it.seen]).toEqual([3500, 3600]);
  it.seek(4500);
  it.seek(3500);
  it.show(timeline, 0);
  expect(it.seen).toBe(8000);
  it.show(branch, 3600);
  expect(it.seen).toBe(4500);
});

test('another branch is looked at from the same moment', () => {
  const it = player();
  it.seek(4500);
  const short = new Timeline(
    parseTrace('{"t":2000,"kind":"end","outcome":{"status":"passed"}}')
  );
  it.show(short, 0);
  expect(it.time).toBe(2000);
  it.show(timeline, 0);
  expect([it.time, it.step]).toEqual([2000, 1]);
});
