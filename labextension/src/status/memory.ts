/** Memory: what environments take, and whether it is about to run out. */

import type { Machine } from '../api/types';

/** Below this, whatever the share: one more database would not fit. */
const LEAST_BYTES = 256 * 1024 ** 2;

/** Bytes that all environments together take. */
export function usedBytes(machine: Machine | null): number {
  return Object.values(machine?.environments ?? {}).reduce(
    (sum, bytes) => sum + bytes,
    0
  );
}

/** Whether less than `percent` of the memory is left, or than `times` of that; 0 percent: never. */
export function isLow(
  machine: Machine | null,
  percent: number,
  times = 1
): boolean {
  if (!machine || percent === 0) {
    return false;
  }
  const { memory_bytes: total, available_bytes: left } = machine;
  return left < times * Math.max((total * percent) / 100, LEAST_BYTES);
}
