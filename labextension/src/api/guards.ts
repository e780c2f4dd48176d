/** Narrowing of values that came from outside. */

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether two documents say the same, whatever the order of their keys. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return (
      one.length === other.length &&
      one.every((each, n) => isSame(each, other[n]))
    );
  }
  if (isRecord(one) && isRecord(other)) {
    return Object.keys({ ...one, ...other }).every(key =>
      isSame(one[key], other[key])
    );
  }
  return one === other;
}

export function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** A finite number, or null. */
export function asNumber(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
