/** Waiting times between attempts to connect: doubling, bounded, with jitter. */

const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** Return the wait before attempt number `attempt` (1 is the first repetition). */
export function backoffMs(
  attempt: number,
  random: () => number = Math.random
): number {
  const whole = Math.min(FIRST_MS * 2 ** (attempt - 1), LONGEST_MS);
  // Half of it is random, so that the views of a class do not all come back at once.
  return Math.round(whole / 2 + (random() * whole) / 2);
}
