/** One lesson: what it is about, how far one is, and everything that can be opened of it. */

import type { JSX } from 'preact';
import { isRunning } from '../environments/registry';
import { t } from '../i18n';
import { progressFigures, progressWord } from '../lessons/progress';
import {
  Button,
  Note,
  Problem,
  Progress,
  StateWord
} from '../widget/components';
import { useAction, useOver, type IAction } from '../widget/hooks';
import { environmentWord } from '../widget/states';
import type { IDoings } from './doings';
import { editableFiles } from './files';
import { tierName } from './Tree';
import { numberOf, type ILesson } from '../lessons/tree';

export function Details(props: {
  lesson: ILesson;
  /** It is the one to go on with. */
  isNext: boolean;
  doings: IDoings;
  /** Opening notebooks, by their lessons; other places can begin it too. */
  opening: IAction;
  onOpen: (lesson: ILesson) => void;
  onConcept: (concept: string) => void;
}): JSX.Element {
  const { lesson, doings, opening } = props;
  const { summary, workspace, progress } = lesson;
  const action = useAction();
  const figures = progressFigures(progress);
  return (
    <section class="sd-details" aria-label={summary.title}>
      {props.isNext && (
        <div class="sd-eyebrow">
          {progress.state === 'going' ? t('Go on with') : t('Next')}
        </div>
      )}
      <h2 class="sd-details-title">{summary.title}</h2>
      <div class="sd-sub">
        {[
          numberOf(summary.id),
          tierName(summary.tier),
          t('{minutes} min', { minutes: summary.minutes })
        ]
          .filter(Boolean)
          .join(' · ')}
      </div>
      {summary.summary && <p class="sd-details-text">{summary.summary}</p>}
      {progress.state === 'going' ? (
        <Progress
          label={figures || progressWord(progress)}
          done={progress.share}
        />
      ) : (
        progress.state === 'finished' && (
          <div>
            <StateWord look="ok" word={progressWord(progress)} />{' '}
            <span class="sd-sub">{figures}</span>
          </div>
        )
      )}
      <div class="sd-actions sd-actions-left">
        <Button
          primary
          busy={opening.busy === summary.id}
          onClick={() => {
            props.onOpen(lesson);
          }}
        >
          {OPEN[progress.state]()}
        </Button>
        {summary.has_services && doings.hasDashboards && (
          <Button
            busy={action.busy === 'dashboard'}
            onClick={() => {
              action.run('dashboard', () => doings.dashboard(lesson));
            }}
          >
            {t('Dashboard')}
          </Button>
        )}
        {(doings.hasTerminals ? consoles(lesson) : []).map(service => (
          <Button
            key={service}
            busy={action.busy === `terminal ${service}`}
            onClick={() => {
              action.run(`terminal ${service}`, () =>
                doings.terminal(lesson, service)
              );
            }}
          >
            {service ? t('Terminal: {service}', { service }) : t('Terminal')}
          </Button>
        ))}
      </div>
      {opening.problem && opening.failed === summary.id && (
        <Problem problem={opening.problem} />
      )}
      {action.problem && <Problem problem={action.problem} />}
      {workspace?.notices.map(notice => (
        <Note key={notice} look="warn">
          {notice}
        </Note>
      ))}
      {summary.has_services ? (
        <EnvironmentLine lesson={lesson} doings={doings} />
      ) : (
        <div class="sd-muted">
          {t('It takes place in the notebook: nothing to start.')}
        </div>
      )}
      {workspace ? (
        <Files lesson={lesson} doings={doings} />
      ) : (
        <div class="sd-muted">
          {t('Opening it makes your own copy; nothing of it is lost later.')}
        </div>
      )}
      <ul class="sd-chips" aria-label={t('Concepts')}>
        {summary.concepts.map(concept => (
          <li key={concept}>
            <button
              type="button"
              class="sd-chip"
              title={t('Lessons about {concept}', { concept })}
              onClick={() => {
                props.onConcept(concept);
              }}
            >
              {concept}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

const OPEN = {
  new: () => t('Start lesson'),
  going: () => t('Continue'),
  finished: () => t('Open lesson')
};

function EnvironmentLine(props: {
  lesson: ILesson;
  doings: IDoings;
}): JSX.Element | null {
  const { environment } = props.lesson;
  const action = useAction();
  useOver(action, environment?.state);
  if (!environment) {
    return null;
  }
  const running = isRunning(environment);
  return (
    <>
      <div class="sd-details-line">
        <span class="sd-muted">{t('Environment')}</span>
        <StateWord {...environmentWord(environment.state)} />
        <span class="sd-actions">
          <Button
            turns
            busy={action.busy !== null || environment.state === 'stopping'}
            label={
              running ? t('Stop the environment') : t('Start the environment')
            }
            onClick={() => {
              action.run('turn', () =>
                running
                  ? props.doings.stop(environment.id)
                  : props.doings.start(environment.id)
              );
            }}
          >
            {running ? t('Stop') : t('Start')}
          </Button>
        </span>
      </div>
      {action.problem && <Problem problem={action.problem} />}
      {environment.state === 'failed' && environment.reason && (
        <Note look="bad" title={t('The environment did not start')}>
          <span class="sd-reason">{environment.reason}</span>
        </Note>
      )}
      {environment.progress && (
        <Progress
          label={environment.progress.step}
          done={environment.progress.done}
        />
      )}
    </>
  );
}

function Files(props: {
  lesson: ILesson;
  doings: IDoings;
}): JSX.Element | null {
  const { workspace } = props.lesson;
  const files = workspace ? editableFiles(workspace) : [];
  const action = useAction();
  if (!workspace || files.length === 0) {
    return null;
  }
  return (
    <div>
      <div class="sd-muted">{t('Files you change')}</div>
      <ul class="sd-files">
        {files.map(file => (
          <li key={file}>
            <button
              type="button"
              class="sd-file"
              onClick={() => {
                action.run(file, () => props.doings.file(workspace, file));
              }}
            >
              {file}
            </button>
          </li>
        ))}
      </ul>
      {action.problem && <Problem problem={action.problem} />}
    </div>
  );
}

/** What can be talked to; before anything is known of it, the lesson's first choice (empty). */
function consoles({ summary, environment }: ILesson): readonly string[] {
  if (!summary.has_services) {
    return [];
  }
  if (!environment) {
    return [''];
  }
  return environment.services
    .filter(({ kind }) => kind === 'postgres' || kind === 'valkey')
    .map(({ name }) => name);
}
