import { SeriesRing } from '../../src/charts/ring';

test('holes are null, and the newest value looks past them', () => {
  const ring = new SeriesRing(['a', 'b'], 10);
  ring.push(1, { a: 1, b: 2 });
  ring.push(2, { a: 3 });
  expect(ring.data()).toEqual([
    [1, 2],
    [1, 3],
    [2, null]
  ]);
  expect(ring.latest('b')).toBe(2);
  expect(ring.latest('nothing')).toBeNull();
});

test('time only goes on', () => {
  const ring = new SeriesRing(['a'], 10);
  ring.push(5, { a: 1 });
  ring.push(5, { a: 2 });
  ring.push(4, { a: 3 });
  expect(ring.data()).toEqual([[5], [1]]);
});

test('keeps the newest, however many came', () => {
  const ring = new SeriesRing(['a'], 3);
  for (let time = 1; time <= 100; time += 1) {
    ring.push(time, { a: time * 2 });
    const [times, values] = ring.data();
    expect(times).toHaveLength(Math.min(time, 3));
    expect(times.at(-1)).toBe(time);
    expect(values).toEqual(times.map(each => each * 2));
  }
  expect(ring.length).toBeLessThan(6);
  ring.clear();
  expect(ring.data()).toEqual([[], []]);
});
