/** A check of the learner's fix: each result as it comes, then the verdict. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { CheckResult, Verdict } from '../../api/types';
import { formatDuration, formatPoints } from '../../format';
import { t, tn } from '../../i18n';
import { ConnectionBanner, Note, Problem, StateWord } from '../components';
import { useSession, useVisible, type IViewProps } from '../hooks';
import { checkWord } from '../states';
import {
  advance,
  newer,
  outstanding,
  readExpected,
  readSince,
  stored,
  type IExpected,
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
  const { link, reload } = useSession(
    connection,
    props.environment,
    visible && state.verdict === null,
    {
      onEvents: events => {
        setState(before =>
          advance(before, events, readSince(props.raw['since']))
        );
      }
    }
  );
  useEffect(
    () =>
      model.onSnapshot(() => {
        const kept = fromSnapshot();
        setState(before => newer(before, kept));
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
  const waiting = outstanding(expected, state);
  return (
    <div ref={root} class="sd-card sd-verdict">
      <Headline verdict={verdict} state={state} expected={expected} />
      {!verdict && <ConnectionBanner link={link} onRetry={reload} />}
      {!verdict && link.state === 'failed' && (
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

function Headline(props: {
  verdict: Verdict | null;
  state: IVerdictState;
  expected: readonly IExpected[];
}): JSX.Element {
  const { verdict, state, expected } = props;
  if (!verdict) {
    const total = Math.max(expected.length, state.results.length);
    return (
      <div class="sd-big sd-big-busy" role="status">
        <StateWord look="busy" word={t('Checking')} />
        <span class="sd-sub">
          {expected.length > 0
            ? t('{done} of {total} checks', {
                done: state.results.length,
                total
              })
            : t('on a fresh system, with traffic it has not seen')}
        </span>
      </div>
    );
  }
  const failed = verdict.checks.filter(({ status }) => status === 'failed');
  const word = {
    passed: t('Passed'),
    failed: t('Not yet'),
    unknown: t('Unknown')
  }[verdict.status];
  const summary = {
    passed: t('Every check holds.'),
    failed: tn(
      '{count} check does not hold yet.',
      '{count} checks do not hold yet.',
      failed.length
    ),
    unknown: t('This says nothing about your fix. Run the check again.')
  }[verdict.status];
  return (
    <div class={`sd-big sd-big-${verdict.status}`} role="status">
      <StateWord look={checkWord(verdict.status).look} word={word} />
      <span class="sd-big-text">{summary}</span>
      <span class="sd-sub sd-num">
        {t('{points} of {most} points · {duration} · seed {seed}', {
          points: formatPoints(verdict.points),
          most: formatPoints(verdict.max_points),
          duration: formatDuration(verdict.duration_s),
          seed: verdict.seed
        })}
      </span>
    </div>
  );
}

function Results(props: {
  results: readonly CheckResult[];
  waiting: readonly IExpected[];
}): JSX.Element {
  return (
    <div
      class="sd-table-wrap"
      tabIndex={0}
      role="region"
      aria-label={t('Checks')}
    >
      <table class="sd-table sd-checks">
        <thead>
          <tr>
            <th scope="col">{t('Result')}</th>
            <th scope="col">{t('Check')}</th>
            <th scope="col">{t('Measured')}</th>
            <th scope="col">{t('Required')}</th>
            <th scope="col" class="sd-num">
              {t('Points')}
            </th>
          </tr>
        </thead>
        <tbody>
          {props.results.map(result => (
            <Result key={result.id} result={result} />
          ))}
          {props.waiting.map(({ id, title }) => (
            <tr key={id} class="sd-waiting">
              <td>
                <StateWord look="off" word={t('Waiting')} />
              </td>
              <th scope="row">{title}</th>
              <td colSpan={3} />
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Result({ result }: { result: CheckResult }): JSX.Element {
  const most = result.max_points;
  return (
    <tr>
      <td>
        <StateWord {...checkWord(result.status)} />
      </td>
      <th scope="row">
        <span>{result.title}</span>
        {result.status !== 'passed' && result.why && (
          <span class="sd-why">{result.why}</span>
        )}
      </th>
      <td>{result.measured}</td>
      <td>{result.required}</td>
      <td class="sd-num">
        {most > 0
          ? t('{points} / {most}', {
              points: formatPoints(result.points),
              most: formatPoints(most)
            })
          : '–'}
      </td>
    </tr>
  );
}

function DriftNote(props: {
  drift: NonNullable<Verdict['drift']>;
}): JSX.Element {
  return (
    <div class="sd-note sd-note-warn">
      <div class="sd-note-title">
        {t('The database differs from your migrations')}
      </div>
      <div class="sd-note-text">
        {t(
          'The check builds a fresh system from your files, so this was not seen. Write it down in migrations/ so that it counts:'
        )}
      </div>
      <ul class="sd-diff">
        {props.drift.differences.map(line => (
          <li
            key={line}
            class={
              line.startsWith('+')
                ? 'sd-diff-add'
                : line.startsWith('-')
                  ? 'sd-diff-cut'
                  : ''
            }
          >
            {line}
          </li>
        ))}
      </ul>
    </div>
  );
}
