/** What all views do: look whether anybody looks, and live with an environment. */

import type { RefObject } from 'preact';
import {
  useEffect,
  useLayoutEffect,
  useReducer,
  useRef,
  useState
} from 'preact/hooks';
import type { Api } from '../api/client';
import type { StreamEvent } from '../api/events';
import { asProblem, type ApiError } from '../api/problem';
import type { EnvironmentStatus } from '../api/types';
import type { IConnection } from '../connection/choose';
import { Session, type Link } from '../connection/session';
import type { ViewModel } from './model';

/** What a view is made with. The connection comes a moment after the first drawing. */
export interface IViewProps {
  model: ViewModel;
  connection: IConnection | null;
}

/** Whether the element is on the screen, in a page that is shown. */
export function useVisible(ref: RefObject<HTMLElement>): boolean {
  const [onScreen, setOnScreen] = useState(false);
  const [pageShown, setPageShown] = useState(!document.hidden);
  useEffect(() => {
    const element = ref.current;
    if (!element) {
      return;
    }
    const observer = new IntersectionObserver(
      entries => {
        setOnScreen(entries.at(-1)?.isIntersecting ?? false);
      },
      { rootMargin: '200px' }
    );
    observer.observe(element);
    const changed = (): void => {
      setPageShown(!document.hidden);
    };
    document.addEventListener('visibilitychange', changed);
    return () => {
      observer.disconnect();
      document.removeEventListener('visibilitychange', changed);
    };
  }, [ref]);
  return onScreen && pageShown;
}

/** What a view makes of the API's word. */
export interface ILive {
  onEnvironment?: (status: EnvironmentStatus) => void;
  load?: (api: Api) => Promise<void>;
  onEvents: (events: readonly StreamEvent[]) => void;
}

/** Follow an environment while `active`; answers how the connection is, and a way to try again. */
export function useSession(
  connection: IConnection | null,
  environment: string,
  active: boolean,
  live: ILive
): { link: Link; reload: () => void } {
  const [link, setLink] = useState<Link>({ state: 'connecting' });
  const latest = useRef(live);
  latest.current = live;
  const session = useRef<Session | null>(null);
  useEffect(() => {
    if (!connection || !environment) {
      return;
    }
    const current = new Session(connection, environment, {
      onEnvironment: status => latest.current.onEnvironment?.(status),
      load: api => latest.current.load?.(api) ?? Promise.resolve(),
      onEvents: events => {
        latest.current.onEvents(events);
      },
      onLink: setLink
    });
    session.current = current;
    return () => {
      session.current = null;
      current.pause();
    };
  }, [connection, environment]);
  useEffect(() => {
    if (active) {
      session.current?.resume();
    } else {
      session.current?.pause();
    }
  }, [active, connection, environment]);
  return { link, reload: () => session.current?.reload() };
}

/** One thing at a time that the user asked for, and what became of it. */
export interface IAction {
  /** Name of what is going on. */
  busy: string | null;
  problem: ApiError | null;
  /** Name of what the problem is with. */
  failed: string | null;
  run: (name: string, work: () => Promise<void>) => void;
  clear: () => void;
}

export function useAction(): IAction {
  const [busy, setBusy] = useState<string | null>(null);
  const [failed, setFailed] = useState<{
    name: string;
    problem: ApiError;
  } | null>(null);
  return {
    busy,
    problem: failed?.problem ?? null,
    failed: failed?.name ?? null,
    run: (name, work) => {
      setBusy(name);
      setFailed(null);
      work()
        .catch((error: unknown) => {
          setFailed({ name, problem: asProblem(error) });
        })
        .finally(() => {
          setBusy(now => (now === name ? null : now));
        });
    },
    clear: () => {
      setFailed(null);
    }
  };
}

/** Whatever kept an environment from starting is over as soon as it is ready. */
export function useOver(
  action: Pick<IAction, 'clear'>,
  state: EnvironmentStatus['state'] | undefined
): void {
  useEffect(() => {
    if (state === 'ready') {
      action.clear();
    }
  }, [state]);
}

/** When a drawing takes away or disables what has the keyboard in `around`, `next` gets it. */
export function useKeyboardKept(
  around: RefObject<HTMLElement>,
  next: () => HTMLElement | null | undefined
): void {
  const had = around.current?.contains(document.activeElement) ?? false;
  useLayoutEffect(() => {
    const { activeElement } = document;
    if (
      had &&
      (activeElement === document.body || activeElement?.matches(':disabled'))
    ) {
      next()?.focus({ preventScroll: true });
    }
  });
}

/** When a drawing takes away `going` with the keyboard in it, the nearest place around gets it. */
export function useKeyboardHandedOn(going: RefObject<HTMLElement>): void {
  useLayoutEffect(
    () => () => {
      const { current } = going;
      if (current?.contains(document.activeElement)) {
        current.parentElement
          ?.closest<HTMLElement>('[tabindex]')
          ?.focus({ preventScroll: true });
      }
    },
    []
  );
}

/** Draw again; for state that lives outside of components. */
export function useRedraw(): () => void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  return () => {
    redraw(undefined);
  };
}

/**
 * An id that no other view of this page has. Preact's `useId` begins anew in every root, and a
 * counter would too: anywidget loads this module once for each model.
 */
export function useUniqueId(): string {
  return useState(() => `sd-${Math.random().toString(36).slice(2)}`)[0];
}
