/** How much of a lesson is done, as a ring: empty, part, or a tick. */

import type { JSX } from 'preact';
import type { IProgress } from '../lessons/progress';

const RADIUS = 5.5;
const ROUND = 2 * Math.PI * RADIUS;

export function Ring({ progress }: { progress: IProgress }): JSX.Element {
  if (progress.state === 'finished') {
    return <span class="sd-state sd-state-ok sd-ring" aria-hidden="true" />;
  }
  // What was begun shows, even before anything of it is done.
  const share = progress.state === 'going' ? Math.max(progress.share, 0.06) : 0;
  return (
    <svg class="sd-ring" viewBox="0 0 14 14" aria-hidden="true">
      <circle class="sd-ring-whole" cx="7" cy="7" r={RADIUS} />
      {share > 0 && (
        <circle
          class="sd-ring-done"
          cx="7"
          cy="7"
          r={RADIUS}
          stroke-dasharray={`${share * ROUND} ${ROUND}`}
          transform="rotate(-90 7 7)"
        />
      )}
    </svg>
  );
}
