/** The module that anywidget loads: one of its kinds of view per model. */

import { render, type ComponentType, type JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { connect, type IConnection } from '../connection/choose';
import { isModelOwner, page } from '../connection/page';
import { t } from '../i18n';
import { Note } from './components';
import type { IViewProps } from './hooks';
import { LogsView } from './logs/LogsView';
import { ViewModel, type IAnyModel } from './model';
import { Panel } from './panel/Panel';
import { QuestionView } from './question/QuestionView';
import { RunView } from './run/RunView';
import { SimulationView } from './simulation/SimulationView';
import { VerdictView } from './verdict/VerdictView';

const VIEWS: Partial<Record<string, ComponentType<IViewProps>>> = {
  panel: Panel,
  run: RunView,
  question: QuestionView,
  verdict: VerdictView,
  logs: LogsView,
  simulation: SimulationView
};

/** A view and its connection, which comes a moment after the snapshot is drawn. */
export function View({ model }: { model: ViewModel }): JSX.Element {
  const [connection, setConnection] = useState<IConnection | null>(null);
  useEffect(() => {
    let gone = false;
    let made: IConnection | null = null;
    void connect(model).then(found => {
      made = found;
      if (gone) {
        found.dispose();
      } else {
        setConnection(found);
      }
    });
    return () => {
      gone = true;
      made?.dispose();
    };
  }, [model]);
  const Kind = VIEWS[model.kind];
  return Kind ? (
    <Kind model={model} connection={connection} />
  ) : (
    <Note look="warn">
      {t('There is no view of kind "{kind}".', { kind: model.kind })}
    </Note>
  );
}

export default {
  /** A model lives in this page: outputs that show static HTML may show it now. */
  initialize: ({ model }: { model: IAnyModel }): (() => void) | undefined =>
    isModelOwner(model.widget_manager)
      ? page().models.add(model.widget_manager)
      : undefined,

  render: ({
    model,
    el
  }: {
    model: IAnyModel;
    el: HTMLElement;
  }): (() => void) => {
    el.classList.add('sd-view');
    const release = holdKeys(el);
    render(<View model={new ViewModel(model)} />, el);
    return () => {
      release();
      render(null, el);
    };
  }
};

/**
 * Keep letters, arrows and Enter from a notebook in command mode, which would move between cells.
 *
 * Shortcuts with Ctrl or Cmd, such as saving, still reach Lab.
 */
function holdKeys(el: HTMLElement): () => void {
  const set = (event: KeyboardEvent): void => {
    el.toggleAttribute(
      'data-lm-suppress-shortcuts',
      !(event.ctrlKey || event.metaKey)
    );
  };
  el.setAttribute('data-lm-suppress-shortcuts', '');
  el.addEventListener('keydown', set);
  el.addEventListener('keyup', set);
  return () => {
    el.removeEventListener('keydown', set);
    el.removeEventListener('keyup', set);
  };
}
