/** Numbers as people read them. The same words as in `notebook/rendering/figures.py`. */

const MISSING = '–';

// Making a formatter takes as long as writing hundreds of numbers, and charts write many.
// Python rounds what lies in the middle to the even neighbour.
const whole = new Intl.NumberFormat('en-US', {
  maximumFractionDigits: 0,
  roundingMode: 'halfEven'
});
const axis = new Intl.NumberFormat('en-US', { maximumFractionDigits: 3 });
const decimal = [1, 2].map(
  digits =>
    new Intl.NumberFormat('en-US', {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
      roundingMode: 'halfEven'
    })
);

// From here on a number is rounded up to one with a digit more, and written like that one.
const TO_TEN = 9.95;
const TO_HUNDRED = 99.95;
const TO_THOUSAND = 999.5;
const TO_KIB = 1023.5;

type Maybe = number | null | undefined;

/** `1,234`, or with decimals `1,234.5`. */
export function formatNumber(value: Maybe, decimals: 0 | 1 | 2 = 0): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  return (decimal[decimals - 1] ?? whole).format(value);
}

/** Milliseconds, from one second up as seconds, with three significant digits. */
export function formatMs(value: Maybe): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  return value >= TO_THOUSAND
    ? `${threeDigits(value / 1000)} s`
    : `${threeDigits(value)} ms`;
}

/** Requests per second. */
export function formatRate(value: Maybe): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  return `${formatNumber(value, value < TO_TEN ? 1 : 0)}/s`;
}

/** CPU as cores: `0.12`. */
export function formatCores(value: Maybe): string {
  return formatNumber(value, 2);
}

/** Bytes in the 1024s that PostgreSQL counts in. */
export function formatBytes(value: Maybe): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let left = value;
  let unit = 0;
  while (left >= TO_KIB && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  const decimals = left >= TO_TEN || unit === 0 ? 0 : 1;
  return `${formatNumber(left, decimals)} ${units[unit] ?? ''}`;
}

/** A share of 1: `97%`; never 100% for less than all, never 0% for more than none. */
export function formatShare(value: Maybe): string {
  if (value === null || value === undefined) {
    return MISSING;
  }
  const percent = value * 100;
  if (percent <= 0) {
    return '0%';
  }
  if (percent < 1) {
    return '<1%';
  }
  return percent > 99 && percent < 100 ? '>99%' : `${whole.format(percent)}%`;
}

/** A duration in seconds: `12 s`, `3 min 05 s`. */
export function formatDuration(seconds: Maybe): string {
  if (seconds === null || seconds === undefined) {
    return MISSING;
  }
  if (seconds < TO_TEN) {
    return `${formatNumber(seconds, 1)} s`;
  }
  const total = Math.round(seconds);
  if (total < 60) {
    return `${total} s`;
  }
  const rest = String(total % 60).padStart(2, '0');
  return `${Math.floor(total / 60)} min ${rest} s`;
}

/** A number on an axis: no more digits than it needs. */
export function tick(value: number): string {
  return axis.format(value);
}

export function tickMs(value: number): string {
  if (value === 0) {
    return '0';
  }
  return value >= 1000 ? `${tick(value / 1000)} s` : `${tick(value)} ms`;
}

export function tickRate(value: number): string {
  if (value === 0) {
    return '0';
  }
  return value >= 10_000 ? `${tick(value / 1000)}k/s` : `${tick(value)}/s`;
}

/** A share of 1 on an axis. */
export function tickShare(value: number): string {
  return `${tick(value * 100)}%`;
}

/** Seconds since a beginning, on an axis: `20 s`, `2:30`. */
export function tickSeconds(value: number): string {
  if (value === 0) {
    return '0';
  }
  if (value < 120) {
    return `${tick(value)} s`;
  }
  const total = Math.round(value);
  const rest = String(total % 60).padStart(2, '0');
  return `${Math.floor(total / 60)}:${rest}`;
}

/** Time of day of a moment in seconds since the epoch: `14:03:27`. */
export function formatClock(seconds: number): string {
  const date = new Date(seconds * 1000);
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map(part => String(part).padStart(2, '0'))
    .join(':');
}

/** Points of a check: `10`, `7.5`. */
export function formatPoints(value: number): string {
  return formatNumber(value, Number.isInteger(value) ? 0 : 1);
}

function threeDigits(value: number): string {
  const toTen = 9.995; // with two decimals
  return formatNumber(value, value >= TO_HUNDRED ? 0 : value >= toTen ? 1 : 2);
}
