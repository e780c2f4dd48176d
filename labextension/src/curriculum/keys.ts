/** What keys do in a tree, as the ARIA Authoring Practices describe it. */

import type { Row } from '../lessons/tree';

export type Move =
  | { do: 'focus'; id: string }
  | { do: 'open'; id: string }
  | { do: 'close'; id: string }
  | { do: 'choose'; id: string };

/** What `key` means at row `current`; null: nothing. */
export function move(
  key: string,
  rows: readonly Row[],
  current: string,
  closed: ReadonlySet<string>
): Move | null {
  const at = rows.findIndex(({ id }) => id === current);
  const row = rows[at];
  if (!row) {
    return null;
  }
  const focus = (target: Row | undefined): Move | null =>
    target && target.id !== current ? { do: 'focus', id: target.id } : null;
  const branch = row.kind !== 'lesson';
  switch (key) {
    case 'ArrowDown':
      return focus(rows[at + 1]);
    case 'ArrowUp':
      return focus(rows[at - 1]);
    case 'Home':
      return focus(rows[0]);
    case 'End':
      return focus(rows.at(-1));
    case 'ArrowRight':
      if (branch && closed.has(row.id)) {
        return { do: 'open', id: row.id };
      }
      return branch ? focus(rows[at + 1]) : null;
    case 'ArrowLeft':
      if (branch && !closed.has(row.id)) {
        return { do: 'close', id: row.id };
      }
      return row.parent === null ? null : { do: 'focus', id: row.parent };
    case 'Enter':
    case ' ':
      if (branch) {
        return { do: closed.has(row.id) ? 'open' : 'close', id: row.id };
      }
      return { do: 'choose', id: row.id };
    default:
      return typed(key, rows, at);
  }
}

/** A letter goes to the next row that begins with it. */
function typed(key: string, rows: readonly Row[], at: number): Move | null {
  if (key.length !== 1) {
    return null;
  }
  const letter = key.toLowerCase();
  const found = [...rows.slice(at + 1), ...rows.slice(0, at)].find(
    ({ kind, node }) =>
      kind === 'lesson' && node.summary.title.toLowerCase().startsWith(letter)
  );
  return found ? { do: 'focus', id: found.id } : null;
}
