/** Keeps one place current with figures that come every second, and draws nothing else for them. */

import type { ISignal } from '@lumino/signaling';
import { useEffect, useReducer, useRef } from 'preact/hooks';

/**
 * What `read` answers now. Its component is drawn again when `signal` comes and the answer reads
 * differently: read what is shown, rounded as it is shown.
 */
export function useLive<Value>(
  signal: ISignal<unknown, unknown>,
  read: () => Value
): Value {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const value = read();
  const now = useRef({ read, shown: '' });
  now.current = { read, shown: JSON.stringify(value) };
  useEffect(() => {
    const look = (): void => {
      const { current } = now;
      if (JSON.stringify(current.read()) !== current.shown) {
        redraw(undefined);
      }
    };
    signal.connect(look);
    return () => {
      signal.disconnect(look);
    };
  }, [signal]);
  return value;
}
