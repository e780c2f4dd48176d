/** A check of the learner's fix: each result as it comes, then the verdict. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { optional } from '../../api/problem';
import { t } from '../../i18n';
import { ConnectionBanner, Note, Problem } from '../components';
import { useSession, useVisible, type IViewProps } from '../hooks';
import { DriftNote, Headline, NotChecked, Results } from './Results';
import {
  advance,
  newer,
  outstanding,
  readExpected,
  readSince,
  stored,
  type IVerdictState
} from './state';

/** How long Python has to keep the result itself before the view does. */
const KEEP_MS = 1500;

export function VerdictView({ model, connection }: IViewProps): JSX.Element {
  const { props } = model;
  const root = useRef<HTMLDivElement>(null);
  const visible = useVisible(root);
  const fromSnapshot = (): IVerdictState =>
    stored(model.snapshot('results'), model.snapshot('verdict'));
  const [state, setState] = useState(fromSnapshot);
  const hasEnded = (): boolean => model.snapshot('ended') === true;
  const [ended, setEnded] = useState(hasEnded);
  const going = state.verdict === null && !ended;
  const since = readSince(props.raw['since']);
  const { link, reload } = useSession(
    connection,
    props.environment,
    visible && going,
    {
      load: async api => {
        const checks = await optional(api.checks(props.environment));
        const decided = checks?.verdict;
        // It may have come while no page was there to hear of it.
        if (decided && decided.started_at + decided.duration_s >= since) {
          setState(stored(decided.checks, decided));
        }
      },
      onEvents: events => {
        setState(before => advance(before, events, since));
      }
    }
  );
  useEffect(
    () =>
      model.onSnapshot(() => {
        const kept = fromSnapshot();
        setState(before => newer(before, kept));
        setEnded(hasEnded());
      }),
    [model]
  );
  const { verdict } = state;
  useEffect(() => {
    if (!verdict || fromSnapshot().verdict) {
      return;
    }
    const timer = setTimeout(() => {
      if (!fromSnapshot().verdict) {
        model.save({ verdict, results: verdict.checks });
      }
    }, KEEP_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [verdict, model]);

  const expected = readExpected(props.raw['checks']);
  const waiting = ended ? [] : outstanding(expected, state);
  return (
    <div ref={root} tabIndex={-1} class="sd-card sd-verdict">
      {ended && !verdict ? (
        <NotChecked />
      ) : (
        <Headline verdict={verdict} state={state} expected={expected} />
      )}
      {going && <ConnectionBanner link={link} onRetry={reload} />}
      {going && link.state === 'failed' && (
        <Problem problem={link.problem} onRetry={reload} />
      )}
      {verdict?.status === 'unknown' && verdict.reason && (
        <Note look="warn" title={t('It could not be checked')}>
          {verdict.reason}
        </Note>
      )}
      {(state.results.length > 0 || waiting.length > 0) && (
        <Results results={state.results} waiting={waiting} />
      )}
      {verdict?.drift?.drifted && <DriftNote drift={verdict.drift} />}
    </div>
  );
}
