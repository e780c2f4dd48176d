/** A form drawn from a JSON schema. */

import type { JSX } from 'preact';
import { t } from '../i18n';
import { useUniqueId } from '../widget/hooks';
import type { IFormField, Typed } from './schema';

export function SchemaForm(props: {
  fields: readonly IFormField[];
  typed: Typed;
  problems: Readonly<Record<string, string>>;
  onChange: (typed: Typed) => void;
}): JSX.Element {
  const id = useUniqueId();
  return (
    <>
      {props.fields.map(field => (
        <Field
          key={field.name}
          id={`${id}-${field.name}`}
          field={field}
          text={props.typed[field.name] ?? ''}
          problem={props.problems[field.name] ?? ''}
          onInput={text => {
            props.onChange({ ...props.typed, [field.name]: text });
          }}
        />
      ))}
    </>
  );
}

function Field(props: {
  id: string;
  field: IFormField;
  text: string;
  problem: string;
  onInput: (text: string) => void;
}): JSX.Element {
  const { id, field, text, problem, onInput } = props;
  const described = [
    ...(field.description ? [`${id}-about`] : []),
    ...(problem ? [`${id}-wrong`] : [])
  ].join(' ');
  const common = {
    id,
    'aria-describedby': described || undefined,
    'aria-invalid': problem !== '',
    'aria-required': field.required
  };
  return (
    <div class="sd-form-row">
      <label for={id}>
        {field.title}
        {!field.required &&
          field.initial === '' &&
          field.kind !== 'boolean' && (
            <span class="sd-muted"> {t('(optional)')}</span>
          )}
      </label>
      {field.kind === 'choice' ? (
        <select
          {...common}
          value={text}
          onChange={event => {
            onInput(event.currentTarget.value);
          }}
        >
          {!field.required && <option value="">–</option>}
          {field.options.map(option => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
      ) : field.kind === 'boolean' ? (
        <input
          {...common}
          type="checkbox"
          checked={text === 'true'}
          onChange={event => {
            onInput(String(event.currentTarget.checked));
          }}
        />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={field.kind === 'text' ? 'text' : 'decimal'}
          class={field.kind === 'text' ? '' : 'sd-number'}
          value={text}
          onInput={event => {
            onInput(event.currentTarget.value);
          }}
        />
      )}
      {field.description && (
        <span id={`${id}-about`} class="sd-muted sd-form-about">
          {field.description}
        </span>
      )}
      {problem && (
        <span id={`${id}-wrong`} class="sd-missing sd-form-about">
          {problem}
        </span>
      )}
    </div>
  );
}
