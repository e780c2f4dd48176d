/** The pieces that views are made of. */

import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ApiError } from '../api/problem';
import type { Link } from '../connection/session';
import { t } from '../i18n';
import { useKeyboardHandedOn, useKeyboardKept } from './hooks';
import type { IStateWord, Look } from './states';

/** A state: icon, colour and word together. */
export function StateWord({ look, word }: IStateWord): JSX.Element {
  return <span class={`sd-state sd-state-${look}`}>{word}</span>;
}

/** A boxed message. */
export function Note(props: {
  look: 'info' | 'ok' | 'warn' | 'bad';
  title?: string;
  hint?: string;
  /** Read out when it appears. */
  alert?: boolean;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <div
      class={`sd-note sd-note-${props.look}`}
      role={props.alert ? 'alert' : undefined}
    >
      {props.title && <div class="sd-note-title">{props.title}</div>}
      {props.children && <div class="sd-note-text">{props.children}</div>}
      {props.hint && <div class="sd-hint">{props.hint}</div>}
    </div>
  );
}

/** What went wrong with something the user asked for, in its place. */
export function Problem(props: {
  problem: ApiError;
  title?: string;
  onRetry?: () => void;
}): JSX.Element {
  const root = useRef<HTMLDivElement>(null);
  useKeyboardHandedOn(root); // it goes when trying again has worked
  return (
    <div ref={root} class="sd-note sd-note-bad" role="alert">
      {props.title && <div class="sd-note-title">{props.title}</div>}
      <div class="sd-note-text">{props.problem.message}</div>
      {props.problem.hint && <div class="sd-hint">{props.problem.hint}</div>}
      {props.onRetry && (
        <div class="sd-note-actions">
          <Button onClick={props.onRetry}>{t('Try again')}</Button>
        </div>
      )}
    </div>
  );
}

export function Button(props: {
  onClick?: () => void;
  /** Sends its form, as Enter in a field then does; the form's `onSubmit` does the work. */
  submit?: boolean;
  children: ComponentChildren;
  primary?: boolean;
  danger?: boolean;
  disabled?: boolean;
  /** Going on: says so, and takes no second click. */
  busy?: boolean;
  /** Turns into its opposite: the second click of a double click is not meant for that. */
  turns?: boolean;
  pressed?: boolean;
  label?: string;
}): JSX.Element {
  const look = props.primary ? 'sd-primary' : props.danger ? 'sd-danger' : '';
  return (
    <button
      type={props.submit ? 'submit' : 'button'}
      class={`sd-button ${look}`}
      disabled={props.disabled ?? false}
      aria-disabled={props.busy ?? false}
      aria-pressed={props.pressed}
      aria-label={props.label}
      onClick={event => {
        if (props.busy || (props.turns && event.detail > 1)) {
          event.preventDefault(); // sends no form, either
        } else {
          props.onClick?.();
        }
      }}
    >
      {props.busy && <span class="sd-spinner" aria-hidden="true" />}
      {props.children}
    </button>
  );
}

/** A question before something that cannot be taken back; Escape is no. */
export function Confirm(props: {
  question: string;
  yes: string;
  onYes: () => void;
  onNo: () => void;
  danger?: boolean;
}): JSX.Element {
  const ref = useRef<HTMLDivElement>(null);
  // Kept while it is drawn: a button that is disabled then has no focus afterwards.
  const [asker] = useState(() => document.activeElement);
  useEffect(() => {
    const around = ref.current?.parentElement;
    ref.current?.querySelector('button')?.focus({ preventScroll: true });
    return () => {
      requestAnimationFrame(() => {
        giveBack(asker, around);
      });
    };
  }, []);
  return (
    <div
      ref={ref}
      class="sd-note sd-note-warn"
      role="alertdialog"
      aria-label={props.question}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onNo();
        }
      }}
    >
      <div class="sd-note-text">{props.question}</div>
      <div class="sd-note-actions">
        <Button onClick={props.onNo}>{t('Cancel')}</Button>
        <Button
          onClick={props.onYes}
          danger={props.danger ?? false}
          primary={!props.danger}
        >
          {props.yes}
        </Button>
      </div>
    </div>
  );
}

/**
 * Let the keyboard go on at the button that asked, or where it stands if it is disabled by now, or
 * where it is gone at the first one beside; unless somebody has taken it since.
 */
function giveBack(
  asker: Element | null,
  around: HTMLElement | null | undefined
): void {
  if (document.activeElement !== document.body) {
    return;
  }
  const next =
    !asker?.isConnected || asker === document.body
      ? around?.querySelector('button:not(:disabled)')
      : asker.matches(':disabled')
        ? asker.closest('[tabindex]')
        : asker;
  if (next instanceof HTMLElement) {
    next.focus({ preventScroll: true });
  }
}

const RECONNECTED_MS = 4000;

/** Says that what is shown may be old, and when it is current again. */
export function ConnectionBanner(props: {
  link: Link;
  onRetry: () => void;
}): JSX.Element {
  const { state } = props.link;
  const [lost, setLost] = useState(false);
  const [back, setBack] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  useKeyboardKept(root, () => root.current); // the button goes when it has worked
  useEffect(() => {
    if (state === 'waiting') {
      setLost(true);
      setBack(false);
    } else if (lost && state === 'live') {
      setLost(false);
      setBack(true);
      const timer = setTimeout(() => {
        setBack(false);
      }, RECONNECTED_MS);
      return () => {
        clearTimeout(timer);
      };
    }
    return undefined;
  }, [state]);
  return (
    <div ref={root} class="sd-banner" role="status" tabIndex={-1}>
      {state === 'waiting' && (
        <div class="sd-banner-line sd-banner-warn">
          <span class="sd-spinner" aria-hidden="true" />
          <span>
            {t('Connection lost. This is the last known state; reconnecting …')}
          </span>
          <Button onClick={props.onRetry}>{t('Try now')}</Button>
        </div>
      )}
      {back && state === 'live' && (
        <div class="sd-banner-line sd-banner-ok">{t('Connected again.')}</div>
      )}
    </div>
  );
}

/** Figures side by side: name above value. */
export function Facts(props: {
  facts: readonly { name: string; value: string; look?: Look | undefined }[];
}): JSX.Element {
  return (
    <dl class="sd-facts">
      {props.facts.map(({ name, value, look }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={look ? `sd-text-${look}` : undefined}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Share of the whole, with its words. */
export function Progress(props: {
  label: string;
  done: number;
  detail?: string;
}): JSX.Element {
  const percent = Math.round(props.done * 100);
  return (
    <div class="sd-progress">
      <div class="sd-progress-text">
        <span>{props.label}</span>
        <span class="sd-num">
          {props.detail ? `${props.detail} · ${percent}%` : `${percent}%`}
        </span>
      </div>
      <div
        class="sd-progress-track"
        role="progressbar"
        aria-label={props.label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <div class="sd-progress-bar" style={{ width: `${percent}%` }} />
      </div>
    </div>
  );
}
