/** How far a learner is with a lesson. */

import type { WorkspaceDetail } from '../api/types';
import { t } from '../i18n';

export interface IProgress {
  state: 'new' | 'going' | 'finished';
  answered: number;
  questions: number;
  passed: number;
  checks: number;
  /** Share of all questions and checks that are done, 0…1. */
  share: number;
}

export function progressOf(workspace: WorkspaceDetail | null): IProgress {
  if (!workspace) {
    return {
      state: 'new',
      answered: 0,
      questions: 0,
      passed: 0,
      checks: 0,
      share: 0
    };
  }
  const answers = Object.values(workspace.answers);
  const answered = answers.filter(({ skipped }) => !skipped).length;
  const questions = workspace.questions_total;
  const passed = workspace.checks_passed;
  const checks = workspace.checks_total;
  const total = questions + checks;
  return {
    state: workspace.finished ? 'finished' : 'going',
    answered,
    questions,
    passed,
    checks,
    share: workspace.finished
      ? 1
      : total > 0
        ? Math.min((answers.length + passed) / total, 1)
        : 0
  };
}

export function progressWord({ state }: IProgress): string {
  switch (state) {
    case 'new':
      return t('Not started');
    case 'going':
      return t('In progress');
    case 'finished':
      return t('Finished');
  }
}

/** `2 of 9 answered, 3 of 6 checks passed`; empty before anything was begun. */
export function progressFigures(progress: IProgress): string {
  if (progress.state === 'new') {
    return '';
  }
  return [
    progress.questions > 0
      ? t('{answered} of {questions} answered', { ...progress })
      : '',
    progress.checks > 0
      ? t('{passed} of {checks} checks passed', { ...progress })
      : ''
  ]
    .filter(Boolean)
    .join(', ');
}
