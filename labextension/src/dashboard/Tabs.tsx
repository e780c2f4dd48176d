/**
 * Panels of which one shows; arrow keys move between their tabs, as ARIA's pattern has it.
 *
 * The others are there, too: what was typed in them stays, and what was asked for is answered.
 */

import type { ComponentChildren, JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { useUniqueId } from '../widget/hooks';

export interface ITab {
  id: string;
  title: string;
  /** A word or number beside the title: what goes on there. */
  badge?: string | undefined;
  content: ComponentChildren;
}

export function Tabs(props: {
  label: string;
  tabs: readonly ITab[];
  chosen: string;
  onChoose: (id: string) => void;
}): JSX.Element {
  const { tabs } = props;
  const id = useUniqueId();
  const list = useRef<HTMLDivElement>(null);
  const at = Math.max(
    0,
    tabs.findIndex(tab => tab.id === props.chosen)
  );
  const move = (event: KeyboardEvent): void => {
    const steps: Partial<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowRight: at + 1,
      Home: 0,
      End: tabs.length - 1
    };
    const step = steps[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    const next = (step + tabs.length) % tabs.length;
    props.onChoose(tabs[next]?.id ?? '');
    list.current?.querySelectorAll('button')[next]?.focus();
  };
  return (
    <section class="sd-tile sd-tabs" aria-label={props.label}>
      <div
        ref={list}
        class="sd-tab-list"
        role="tablist"
        aria-label={props.label}
        onKeyDown={move}
      >
        {tabs.map((each, index) => (
          <button
            key={each.id}
            type="button"
            role="tab"
            id={`${id}-tab-${each.id}`}
            class="sd-tab"
            aria-selected={index === at}
            aria-controls={`${id}-panel-${each.id}`}
            tabIndex={index === at ? 0 : -1}
            onClick={() => {
              props.onChoose(each.id);
            }}
          >
            {each.title}
            {each.badge && <span class="sd-badge">{each.badge}</span>}
          </button>
        ))}
      </div>
      {tabs.map((each, index) => (
        <div
          key={each.id}
          id={`${id}-panel-${each.id}`}
          class="sd-tab-panel"
          role="tabpanel"
          aria-labelledby={`${id}-tab-${each.id}`}
          hidden={index !== at}
        >
          {each.content}
        </div>
      ))}
    </section>
  );
}
