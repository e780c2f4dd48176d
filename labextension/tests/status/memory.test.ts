import { isLow, usedBytes } from '../../src/status/memory';

const GB = 1024 ** 3;

function machine(available: number, total = 16 * GB) {
  return {
    cpus: 2,
    memory_bytes: total,
    available_bytes: available,
    environments: { one: 100, two: 50 }
  };
}

test('memory is low below the share that was set', () => {
  expect(isLow(machine(2 * GB), 10)).toBe(false);
  expect(isLow(machine(1.5 * GB), 10)).toBe(true);
  expect(isLow(machine(1.5 * GB), 5)).toBe(false);
  expect(isLow(machine(0), 0)).toBe(false);
  expect(isLow(null, 10)).toBe(false);
});

test('on a small machine a share is too little to go by', () => {
  expect(isLow(machine(0.2 * GB, GB), 10)).toBe(true);
});

test('what environments take is added up', () => {
  expect(usedBytes(machine(GB))).toBe(150);
  expect(usedBytes(null)).toBe(0);
});
