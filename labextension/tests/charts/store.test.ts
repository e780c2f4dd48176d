import { MetricStore } from '../../src/charts/store';

test('a metric that appears later has holes before', () => {
  const store = new MetricStore(100);
  store.add(1, { a: 1 });
  store.add(2, { a: 2, b: 20 });
  expect(store.window(['a', 'b', 'c'], 0)).toEqual([
    [1, 2],
    [1, 2],
    [null, 20],
    [null, null]
  ]);
  expect(store.latest('b')).toBe(20);
  store.add(3, { a: 3 });
  expect(store.latest('b')).toBeNull();
});

test('a sample that came twice counts once', () => {
  const store = new MetricStore(100);
  store.add(2, { a: 2 });
  store.add(2, { a: 5 });
  store.add(1, { a: 1 });
  expect(store.window(['a'], 0)).toEqual([[2], [2]]);
});

test('a stretch without samples is a hole, at any interval', () => {
  const store = new MetricStore(1000);
  [1, 2, 30].forEach(ts => {
    store.add(ts, { a: ts });
  });
  expect(store.window(['a'], 0)).toEqual([
    [1, 2, 3, 30],
    [1, 2, null, 30]
  ]);
  const seldom = new MetricStore(1000);
  seldom.load({ ts: [0, 10, 20, 30], values: { a: [1, 2, 3, 4] } });
  expect(seldom.window(['a'], 0)[0]).toEqual(
    expect.arrayContaining([10, 20, 30])
  );
  expect(seldom.window(['a'], 0)[1]?.slice(-3)).toEqual([2, 3, 4]);
});

test('what was kept is taken in as if it had come one by one', () => {
  const ts = [1, 2, 3, 40, 41];
  const values = { a: [1, 2, 3, 4, 5], b: [null, null, 3, 4, 5] };
  const loaded = new MetricStore(1000);
  loaded.add(0.5, { old: 1 });
  loaded.load({ ts, values });
  const told = new MetricStore(1000);
  ts.forEach((time, row) => {
    told.add(time, { a: values.a[row], b: values.b[row] });
  });
  expect(loaded.window(['a', 'b'], 0)).toEqual(told.window(['a', 'b'], 0));
  expect(loaded.names).toEqual(['a', 'b']);
});

test('it keeps a stretch of time and not for ever', () => {
  const store = new MetricStore(60);
  for (let ts = 0; ts < 1000; ts += 1) {
    store.add(ts, { a: ts });
  }
  const [times, values] = store.window(['a'], 0);
  expect(times.length).toBeLessThanOrEqual(76);
  expect(times.length).toBeGreaterThanOrEqual(60);
  expect(values).toEqual(times);
  // The line comes in from the side.
  expect(store.window(['a'], 990)[0][0]).toBe(989);
  expect(store.window(['a'], 990, 993)[0]).toEqual([989, 990, 991, 992, 993]);
});

test('a long history is taken in without what no chart shows', () => {
  const store = new MetricStore(60);
  const ts = Array.from({ length: 1800 }, (_, index) => index);
  store.load({ ts, values: { a: ts } });
  expect(store.window(['a'], 0)[0][0]).toBe(1799 - 60);
});
