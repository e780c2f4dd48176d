/** A question: the form, the answer that was given, what it was worth, and the model answer. */

import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Api } from '../../api/client';
import { isRecord, isSame, isString } from '../../api/guards';
import type { Answer } from '../../api/types';
import { page } from '../../connection/page';
import { t } from '../../i18n';
import {
  Button,
  Confirm,
  ConnectionBanner,
  Note,
  Problem,
  StateWord
} from '../components';
import {
  useAction,
  useKeyboardKept,
  useSession,
  useUniqueId,
  useVisible,
  type IViewProps
} from '../hooks';
import { Markdown } from '../markdown';
import type { IStateWord } from '../states';
import { draftOf, EMPTY, makeAnswer, readDraft, type IDraft } from './draft';
import { Fields } from './Fields';
import { readQuestion, type IQuestion } from './question';

const SAVE_MS = 500;

export function QuestionView(props: IViewProps): JSX.Element {
  const question = readQuestion(props.model.props.raw['question']);
  return question ? (
    <Asked key={question.id} {...props} question={question} />
  ) : (
    <Note look="warn">{t('This question cannot be shown.')}</Note>
  );
}

function Asked(props: IViewProps & { question: IQuestion }): JSX.Element {
  const { model, connection, question } = props;
  const { environment, workspace } = model.props;
  const id = useUniqueId();
  const root = useRef<HTMLDivElement>(null);
  const visible = useVisible(root);
  const [answer, setAnswer] = useState<Answer | null>(
    storedAnswer(model.snapshot('answer'))
  );
  const [draft, setDraft] = useState<IDraft>(() => {
    const kept = model.snapshot('draft');
    return kept !== undefined && kept !== null
      ? readDraft(kept)
      : answer && !answer.skipped
        ? draftOf(question, answer.value)
        : EMPTY;
  });
  const [closed, setClosed] = useState(false);
  const [answered, setAnswered] = useState<readonly string[]>([]);
  const [again, setAgain] = useState(false);
  const [skipping, setSkipping] = useState(false);
  const [missing, setMissing] = useState('');
  const action = useAction();

  useEffect(
    () =>
      model.onSnapshot(() => {
        setAnswer(before => storedAnswer(model.snapshot('answer')) ?? before);
      }),
    [model]
  );
  // Looks and answers given are numbered as they begin; what is older than the last taken in is late.
  const asked = useRef(0);
  const taken = useRef(0);
  const refresh = async (): Promise<void> => {
    if (connection) {
      asked.current += 1;
      const mine = asked.current;
      const detail = await new Api(connection.transport).workspace(workspace);
      if (mine < taken.current) {
        return;
      }
      taken.current = mine;
      setClosed(!detail.open_steps.includes(question.step));
      setAnswered(Object.keys(detail.answers));
      const kept = detail.answers[question.id];
      if (kept) {
        setAnswer(kept);
        if (!kept.skipped) {
          setDraft(before =>
            before === EMPTY ? draftOf(question, kept.value) : before
          );
        }
        // The notebook's own is from before it was decided.
        if (!isSame(kept, model.snapshot('answer'))) {
          model.save({ answer: kept });
        }
      }
    }
  };
  useEffect(() => {
    if (!visible) {
      return;
    }
    const look = (): void => {
      refresh().catch(() => undefined); // what is shown stays; sending an answer says what is wrong
    };
    look();
    // The answer to another question may open the step of this one.
    const heard = (event: Event): void => {
      if (event instanceof CustomEvent && event.detail !== id) {
        look();
      }
    };
    const { answers } = page();
    answers.addEventListener(workspace, heard);
    return () => {
      answers.removeEventListener(workspace, heard);
    };
  }, [visible, connection, workspace]);

  // A prediction is decided by the run that follows: look again when one has ended.
  const undecided = answer !== null && !answer.skipped && answer.score == null;
  const waits =
    undecided && (question.kind === 'predict' || question.kind === 'observe');
  const { link, reload } = useSession(
    connection,
    environment,
    visible && waits,
    {
      onEvents: events => {
        if (events.some(({ type }) => type === 'run.done')) {
          refresh().catch(() => undefined);
        }
      }
    }
  );

  const unsaved = useRef<IDraft | null>(null);
  const change = (next: IDraft): void => {
    unsaved.current = next;
    setDraft(next);
    setMissing('');
    action.clear();
  };
  const keep = (): void => {
    if (unsaved.current) {
      model.save({ draft: unsaved.current });
      unsaved.current = null;
    }
  };
  useEffect(() => {
    const timer = setTimeout(keep, SAVE_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [draft]);
  useEffect(() => keep, [model]); // a cell may close before that

  const send = (request: { value: unknown } | { skip: true }): void => {
    if (!connection) {
      return;
    }
    action.run('skip' in request ? 'skip' : 'answer', async () => {
      const given = await new Api(connection.transport).answer(
        workspace,
        question.id,
        request
      );
      asked.current += 1;
      taken.current = asked.current;
      setAnswer(given);
      setAgain(false);
      model.save({ answer: given, draft });
      page().answers.dispatchEvent(new CustomEvent(workspace, { detail: id }));
    });
  };
  const open = answer === null || answer.skipped || again;
  const ready = open && !closed && !skipping && connection !== null;
  const submit = (): void => {
    if (!ready || action.busy !== null) {
      return;
    }
    const made = makeAnswer(question, draft);
    if ('missing' in made) {
      setMissing(made.missing);
    } else {
      send({ value: made.value });
    }
  };

  const stored = model.snapshot('first');
  const first = Array.isArray(stored)
    ? stored.filter(isString).filter(each => !answered.includes(each))
    : [];
  useKeyboardKept(root, () =>
    root.current?.querySelector<HTMLElement>(
      again ? 'input, textarea, select' : '.sd-outcome'
    )
  );
  return (
    <div ref={root} class="sd-card sd-question">
      <form
        onSubmit={event => {
          event.preventDefault();
          submit();
        }}
      >
        <fieldset>
          <legend class="sd-head">
            <span class="sd-kind">{kindName(question.kind)}</span>
            {question.title && <span class="sd-title">{question.title}</span>}
            {answer && <StateWord {...answerWord(answer, question.kind)} />}
          </legend>
          <Markdown text={question.prompt} />
          {question.claim && (
            <div class="sd-claim">
              <Markdown text={question.claim} />
            </div>
          )}
          <Fields
            question={question}
            draft={open ? draft : draftOf(question, answer.value)}
            disabled={!open || closed}
            id={id}
            onChange={change}
          />
          {open && question.kind === 'predict' && (
            <div class="sd-muted">
              {t(
                'Say it before the run. A prediction is not right or wrong; it scores by how close it comes.'
              )}
            </div>
          )}
          {closed && open && (
            <Note look="info">
              {first.length > 0
                ? t(
                    'This step opens when you have answered or skipped: {list}.',
                    {
                      list: first.join(', ')
                    }
                  )
                : t(
                    'This step opens when the questions before it are answered or skipped.'
                  )}
            </Note>
          )}
          <div role="status" class="sd-missing">
            {missing}
          </div>
          {action.problem && <Problem problem={action.problem} />}
          {skipping ? (
            <Confirm
              question={t(
                'Skip this question? That is kept, and you can still answer it at any time.'
              )}
              yes={t('Skip it')}
              onNo={() => {
                setSkipping(false);
              }}
              onYes={() => {
                setSkipping(false);
                send({ skip: true });
              }}
            />
          ) : (
            open &&
            !closed && (
              <div class="sd-actions sd-actions-left">
                <Button
                  submit
                  primary
                  busy={action.busy === 'answer'}
                  disabled={!ready}
                >
                  {t('Answer')}
                </Button>
                {answer === null && (
                  <Button
                    onClick={() => {
                      setSkipping(true);
                    }}
                    busy={action.busy === 'skip'}
                    disabled={!connection}
                  >
                    {t('Skip …')}
                  </Button>
                )}
              </div>
            )
          )}
        </fieldset>
      </form>
      {waits && <ConnectionBanner link={link} onRetry={reload} />}
      {answer && !again && (
        <Outcome
          answer={answer}
          kind={question.kind}
          {...(mayTryAgain(answer, question)
            ? {
                onAgain: () => {
                  setAgain(true);
                }
              }
            : {})}
        />
      )}
    </div>
  );
}

function Outcome(props: {
  answer: Answer;
  kind: string;
  onAgain?: () => void;
}): JSX.Element {
  const { answer, kind } = props;
  const { look } = answerWord(answer, kind);
  return (
    <div class="sd-outcome" role="status" tabIndex={-1}>
      {answer.feedback && (
        <div
          class={`sd-note sd-note-${look === 'ok' || look === 'warn' ? look : 'info'}`}
        >
          <Markdown text={answer.feedback} />
        </div>
      )}
      {answer.model_answer && (
        <details class="sd-model" open>
          <summary>{t('Our answer')}</summary>
          <Markdown text={answer.model_answer} />
        </details>
      )}
      {props.onAgain && (
        <div class="sd-actions sd-actions-left">
          <Button onClick={props.onAgain}>{t('Answer again')}</Button>
        </div>
      )}
    </div>
  );
}

/** A prediction counts as it was made, once it is known how it came out. */
function mayTryAgain(answer: Answer, question: IQuestion): boolean {
  return (
    !answer.skipped &&
    answer.correct !== true &&
    !(question.kind === 'predict' && answer.score != null)
  );
}

function kindName(kind: string): string {
  switch (kind) {
    case 'predict':
      return t('Predict');
    case 'observe':
      return t('Observe');
    case 'comprehend':
      return t('Understand');
    case 'tradeoff':
      return t('Weigh up');
    case 'evidence':
      return t('Prove it');
    case 'reflect':
      return t('Reflect');
    default:
      return t('Question');
  }
}

function answerWord(answer: Answer, kind: string): IStateWord {
  if (answer.skipped) {
    return { look: 'off', word: t('Skipped') };
  }
  if (answer.correct != null) {
    return answer.correct
      ? { look: 'ok', word: t('Right') }
      : answer.score != null && answer.score > 0
        ? { look: 'warn', word: t('Partly') }
        : { look: 'warn', word: t('Not quite') };
  }
  if (answer.score != null && kind === 'predict') {
    return {
      look: answer.score >= 0.75 ? 'ok' : 'warn',
      word: t('{share} close', { share: `${Math.round(answer.score * 100)}%` })
    };
  }
  return { look: 'ok', word: t('Kept') };
}

function storedAnswer(value: unknown): Answer | null {
  // Written by Python of the same package from the same model.
  return isRecord(value) && 'answered_at' in value ? (value as Answer) : null;
}
