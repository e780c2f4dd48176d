/** The inputs of a question, by its form. */

import type { JSX } from 'preact';
import { t } from '../../i18n';
import { Inline, Markdown } from '../markdown';
import { countWords, type IDraft } from './draft';
import type { IOption, IQuestion } from './question';

interface IFieldsProps {
  question: IQuestion;
  draft: IDraft;
  disabled: boolean;
  /** Prefix of element ids, unique in the page. */
  id: string;
  onChange: (draft: IDraft) => void;
}

export function Fields(props: IFieldsProps): JSX.Element {
  const { question, draft, disabled, id, onChange } = props;
  switch (question.form) {
    case 'number':
      return (
        <NumberField
          id={`${id}-number`}
          label={t('Your answer')}
          unit={question.unit}
          value={draft.text}
          disabled={disabled}
          onInput={text => {
            onChange({ ...draft, text });
          }}
        />
      );
    case 'interval':
      return (
        <div class="sd-inline-fields">
          <NumberField
            id={`${id}-low`}
            label={t('At least')}
            unit={question.unit}
            value={draft.low}
            disabled={disabled}
            onInput={low => {
              onChange({ ...draft, low });
            }}
          />
          <NumberField
            id={`${id}-high`}
            label={t('At most')}
            unit={question.unit}
            value={draft.high}
            disabled={disabled}
            onInput={high => {
              onChange({ ...draft, high });
            }}
          />
        </div>
      );
    case 'choice':
    case 'choices':
      return <Options {...props} />;
    case 'text':
      return (
        <label class="sd-field" for={`${id}-text`}>
          {t('Your answer')}
          <input
            id={`${id}-text`}
            type="text"
            class="sd-wide"
            autocomplete="off"
            maxLength={500}
            value={draft.text}
            disabled={disabled}
            onInput={event => {
              onChange({ ...draft, text: event.currentTarget.value });
            }}
          />
        </label>
      );
    case 'prose':
      return (
        <>
          <Claims {...props} />
          <Prose {...props} label={t('In your own words')} />
        </>
      );
    case 'defend':
      return (
        <>
          <Options {...props} />
          <Prose {...props} label={t('Why this one? What does it cost?')} />
        </>
      );
  }
}

function NumberField(props: {
  id: string;
  label: string;
  unit: string;
  value: string;
  disabled: boolean;
  onInput: (text: string) => void;
}): JSX.Element {
  return (
    <label class="sd-field" for={props.id}>
      {props.label}
      <input
        id={props.id}
        type="text"
        inputMode="decimal"
        class="sd-number"
        autocomplete="off"
        maxLength={50}
        value={props.value}
        disabled={props.disabled}
        aria-describedby={props.unit ? `${props.id}-unit` : undefined}
        onInput={event => {
          props.onInput(event.currentTarget.value);
        }}
      />
      {props.unit && (
        <span id={`${props.id}-unit`} class="sd-muted">
          {props.unit}
        </span>
      )}
    </label>
  );
}

function Options(props: IFieldsProps): JSX.Element {
  const { question, draft, disabled, id, onChange } = props;
  const one = question.form !== 'choices';
  const pick = (option: string, checked: boolean): void => {
    const others = one ? [] : draft.picked.filter(each => each !== option);
    onChange({ ...draft, picked: checked ? [...others, option] : others });
  };
  return (
    <div class="sd-options">
      {question.options.map(option => (
        <label
          key={option.id}
          class={`sd-option ${isExhibit(option) ? 'sd-exhibit' : ''}`}
          for={`${id}-${option.id}`}
        >
          <input
            id={`${id}-${option.id}`}
            type={one ? 'radio' : 'checkbox'}
            name={id}
            checked={draft.picked.includes(option.id)}
            disabled={disabled}
            onChange={event => {
              pick(option.id, event.currentTarget.checked);
            }}
          />
          <OptionText option={option} />
        </label>
      ))}
    </div>
  );
}

/** What the prose rests on; these are checked. */
function Claims(props: IFieldsProps): JSX.Element {
  const { question, draft, disabled, id, onChange } = props;
  const state = (claim: string, said: string): void => {
    onChange({ ...draft, claims: { ...draft.claims, [claim]: said } });
  };
  return (
    <>
      {question.claims.map(claim =>
        claim.options.length === 0 ? (
          <NumberField
            key={claim.id}
            id={`${id}-${claim.id}`}
            label={claim.text}
            unit={claim.unit}
            value={draft.claims[claim.id] ?? ''}
            disabled={disabled}
            onInput={said => {
              state(claim.id, said);
            }}
          />
        ) : (
          <fieldset key={claim.id} class="sd-stated">
            <legend>{claim.text}</legend>
            <div class="sd-options">
              {claim.options.map(option => (
                <label
                  key={option.id}
                  class="sd-option"
                  for={`${id}-${claim.id}-${option.id}`}
                >
                  <input
                    id={`${id}-${claim.id}-${option.id}`}
                    type="radio"
                    name={`${id}-${claim.id}`}
                    checked={draft.claims[claim.id] === option.id}
                    disabled={disabled}
                    onChange={() => {
                      state(claim.id, option.id);
                    }}
                  />
                  <OptionText option={option} />
                </label>
              ))}
            </div>
          </fieldset>
        )
      )}
    </>
  );
}

/** Evidence is shown as the system printed it. */
function OptionText({ option }: { option: IOption }): JSX.Element {
  if (!isExhibit(option)) {
    return (
      <span class="sd-option-text">
        <Inline text={option.text} />
      </span>
    );
  }
  return (
    <span class="sd-option-text">
      <span class="sd-exhibit-source">{sourceName(option.source)}</span>
      {option.source === 'metric' ? (
        <Markdown text={option.text} />
      ) : (
        <span class="sd-pre">{unfenced(option.text)}</span>
      )}
    </span>
  );
}

function isExhibit(option: IOption): boolean {
  return option.source !== '';
}

function sourceName(source: string): string {
  switch (source) {
    case 'plan':
      return t('Query plan');
    case 'metric':
      return t('Metric');
    case 'log':
      return t('Log');
    case 'code':
      return t('Code');
    default:
      return source;
  }
}

function unfenced(text: string): string {
  return text
    .trim()
    .replace(/^```\w*\n/, '')
    .replace(/\n```$/, '');
}

function Prose(props: IFieldsProps & { label: string }): JSX.Element {
  const { question, draft, disabled, id, onChange } = props;
  return (
    <div class="sd-prose">
      <label class="sd-field sd-field-above" for={`${id}-prose`}>
        {props.label}
        <textarea
          id={`${id}-prose`}
          rows={4}
          maxLength={20000}
          value={draft.text}
          disabled={disabled}
          aria-describedby={`${id}-words`}
          onInput={event => {
            onChange({ ...draft, text: event.currentTarget.value });
          }}
        />
      </label>
      {question.minWords > 0 && (
        <span id={`${id}-words`} class="sd-muted sd-num">
          {t('{words} of at least {least} different words', {
            words: countWords(draft.text),
            least: question.minWords
          })}
        </span>
      )}
    </div>
  );
}
