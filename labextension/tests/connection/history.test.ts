import { History } from '../../src/connection/history';
import { samples } from '../transport';

test('keeps the newest and knows where it is complete', () => {
  const history = new History(10);
  samples(5, 30).forEach(event => history.add(event));
  expect(history.last).toBe(34);
  expect(history.since(33)?.map(({ seq }) => seq)).toEqual([34]);
  expect(history.since(34)).toEqual([]);
  expect(history.since(4)).toBeNull();
  const kept = history.since(24) ?? [];
  expect(kept.at(0)?.seq).toBe(25);
  expect(kept).toHaveLength(10);
});

test('takes nothing twice and nothing backwards', () => {
  const history = new History();
  const [one, two] = samples(1, 2);
  expect(one && history.add(one)).toBe(true);
  expect(two && history.add(two)).toBe(true);
  expect(one && history.add(one)).toBe(false);
  expect(history.since(0)).toHaveLength(2);
});

test('before the first event nothing is known', () => {
  expect(new History().since(0)).toBeNull();
});
