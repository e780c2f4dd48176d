import type { RunTick } from '../../src/api/types';
import { sum, thinned, TickSeries } from '../../src/widget/run/ticks';

function tick(index: number, rest: Partial<RunTick> = {}): RunTick {
  return {
    run: 'r',
    t_s: index / 10,
    sent: 1,
    done: 1,
    rps: 10,
    in_flight: 1,
    errors: {},
    p50_ms: 1,
    p95_ms: 2,
    p99_ms: 3,
    lag_p99_ms: 0,
    ...rest
  };
}

function series(count: number): TickSeries {
  const made = new TickSeries();
  for (let index = 1; index <= count; index += 1) {
    made.add(tick(index));
  }
  return made;
}

test('five ticks are one point, and one that is half full shows as well', () => {
  expect(series(12).throughput()[0]).toEqual([0.5, 1]);
  const [times, rps] = series(13).throughput();
  expect(times).toEqual([0.5, 1, 1.3]);
  expect(rps?.map(value => Math.round(value ?? 0))).toEqual([10, 10, 10]);
});

test('a tick of the last few milliseconds is no burst', () => {
  const ticks = series(10);
  ticks.add(tick(10.1, { done: 1, rps: 100 }));
  expect(ticks.throughput()[1]?.at(-1)).toBeCloseTo(10);
});

test('percentiles are weighted by requests', () => {
  const ticks = new TickSeries();
  ticks.add(tick(1, { done: 9, p50_ms: 10, p95_ms: 20, p99_ms: 30 }));
  ticks.add(tick(2, { done: 1, p50_ms: 110, p95_ms: 120, p99_ms: 130 }));
  ticks.add(tick(3, { done: 0, p50_ms: null, p95_ms: null, p99_ms: null }));
  expect(ticks.latency()).toEqual([[0.3], [20], [30], [40]]);
});

test('nothing answered is a hole, not a zero', () => {
  const ticks = new TickSeries();
  ticks.add(tick(1, { done: 0, p50_ms: null, p95_ms: null, p99_ms: null }));
  expect(ticks.latency()).toEqual([[0.1], [null], [null], [null]]);
});

test('errors are per second, lag is the worst', () => {
  const ticks = new TickSeries();
  ticks.add(tick(1, { errors: { timeout: 1, http_500: 2 }, lag_p99_ms: 4 }));
  ticks.add(tick(2, { lag_p99_ms: 1 }));
  expect(ticks.throughput()[2]?.[0]).toBeCloseTo(15);
  expect(ticks.lag()[1]).toEqual([4]);
  expect(ticks.total).toEqual({ done: 2, errors: 3 });
});

test('a tick that comes twice counts once', () => {
  const ticks = series(10);
  ticks.add(tick(10));
  ticks.add(tick(4));
  expect(ticks.total.done).toBe(10);
});

test('a long run stays bounded, whole and in order', () => {
  const ticks = series(20_000);
  const [times, rps] = ticks.throughput();
  expect(times.length).toBeLessThanOrEqual(600);
  expect(times.length).toBeGreaterThan(250);
  expect(times.at(-1)).toBe(2000);
  expect(times.at(0)).toBeLessThan(10);
  expect([...times].sort((a, b) => a - b)).toEqual(times);
  rps?.forEach(value => {
    expect(value).toBeCloseTo(10);
  });
});

test('a run of which only some ticks were kept shows the same rates', () => {
  const all = Array.from({ length: 3000 }, (_, index) =>
    tick(index + 1, { done: 10, rps: 80, errors: { timeout: 2 } })
  );
  const few = new TickSeries();
  thinned(all, 600).forEach(each => {
    few.add(each);
  });
  const [times, rps, errors] = few.throughput();
  expect(times.at(-1)).toBe(300);
  rps?.forEach(value => {
    expect(value).toBeCloseTo(100);
  });
  errors?.forEach(value => {
    expect(value).toBeCloseTo(20);
  });
});

test('where everything failed, rates are those of ticks of 100 ms', () => {
  const ticks = new TickSeries();
  ticks.add(tick(5, { done: 4, rps: 0, errors: { refused: 4 } }));
  ticks.add(tick(10, { done: 4, rps: 0, errors: { refused: 4 } }));
  expect(ticks.throughput()[2]).toEqual([40, 40]);
});

test('a stall is no burst', () => {
  const ticks = new TickSeries();
  ticks.add(tick(4, { done: 4, rps: 10 }));
  expect(ticks.throughput()[1]?.[0]).toBeCloseTo(10);
});

test('thinning keeps the last tick and the spacing', () => {
  const all = Array.from({ length: 1000 }, (_, index) => tick(index + 1));
  const few = thinned(all, 300);
  expect(few.length).toBeLessThanOrEqual(300);
  expect(few.at(-1)).toBe(all.at(-1));
  expect(thinned(all, 1000)).toBe(all);
});

test('sum of no errors is zero', () => {
  expect(sum({})).toBe(0);
});
