/** What a check has decided so far: the headline, each result, and a drifted database. */

import type { JSX } from 'preact';
import type { CheckResult, Verdict } from '../../api/types';
import { formatDuration, formatPoints } from '../../format';
import { t, tn } from '../../i18n';
import { StateWord } from '../components';
import { checkWord } from '../states';
import type { IExpected, IVerdictState } from './state';

export function Headline(props: {
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
          {state.waits && ` · ${t('waits until another check has measured')}`}
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
    passed: verdict.whole
      ? t('Every check holds.')
      : t('Every check that was made holds.'),
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

/** It ended without a verdict; the error of the cell that asked for it says why. */
export function NotChecked(): JSX.Element {
  return (
    <div class="sd-big sd-big-unknown" role="status">
      <StateWord look="unknown" word={t('Not checked')} />
      <span class="sd-big-text">{t('The message below says why.')}</span>
    </div>
  );
}

export function Results(props: {
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
      <td data-label={t('Measured')}>{result.measured}</td>
      <td data-label={t('Required')}>{result.required}</td>
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

export function DriftNote(props: {
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
