/** Break it on purpose: the fault library, its arguments, and what is broken now. */

import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Api } from '../api/client';
import type {
  ActiveFault,
  EnvironmentStatus,
  FaultDescription
} from '../api/types';
import type { IConnection } from '../connection/choose';
import { formatClock } from '../format';
import { t } from '../i18n';
import { Button, Problem, StateWord } from '../widget/components';
import { useAction, useKeyboardKept, useUniqueId } from '../widget/hooks';
import { placeName, places, type Place } from './faults';
import {
  fieldsOf,
  initialOf,
  problemsOf,
  valuesOf,
  type IFormField,
  type Typed
} from './schema';
import { SchemaForm } from './SchemaForm';

export function FaultPanel(props: {
  library: readonly FaultDescription[] | null;
  active: readonly ActiveFault[];
  status: EnvironmentStatus | null;
  connection: IConnection | null;
  environment: string;
  up: boolean;
}): JSX.Element {
  const { library, active, status, connection, environment } = props;
  const action = useAction();
  const [chosen, setChosen] = useState('');
  const id = useUniqueId();
  const root = useRef<HTMLDivElement>(null);
  useKeyboardKept(root, () => root.current); // a button goes with the fault it ended
  const usable =
    library && status
      ? library.filter(fault => places(fault, status).length > 0)
      : [];
  const fault = usable.find(each => each.id === chosen) ?? usable[0];
  return (
    <div ref={root} class="sd-faults" tabIndex={-1}>
      {active.length > 0 && (
        <ul class="sd-active-faults" aria-label={t('Active faults')}>
          {active.map(each => (
            <li key={each.id}>
              <span class="sd-active-fault">
                <StateWord look="bad" word={each.name} />
                <span>{placeName(each)}</span>
                <span class="sd-muted sd-num">
                  {t('since {time}', { time: formatClock(each.started_at) })}
                </span>
              </span>
              <Button
                busy={action.busy === `end ${each.id}`}
                disabled={connection === null}
                label={t('Recover from {fault} on {place}', {
                  fault: each.name,
                  place: placeName(each)
                })}
                onClick={() => {
                  if (connection) {
                    action.run(`end ${each.id}`, async () => {
                      await new Api(connection.transport).recover(
                        environment,
                        each.id
                      );
                    });
                  }
                }}
              >
                {t('Recover')}
              </Button>
            </li>
          ))}
        </ul>
      )}
      {action.problem && <Problem problem={action.problem} />}
      {library === null || library.length === 0 ? (
        <div class="sd-muted">
          {status
            ? t('This control plane has no fault library.')
            : t('Start the environment to break it.')}
        </div>
      ) : !fault || !status ? (
        <div class="sd-muted">
          {t('No fault of the library fits this system.')}
        </div>
      ) : (
        <>
          <div class="sd-form-row">
            <label for={`${id}-fault`}>{t('Fault')}</label>
            <select
              id={`${id}-fault`}
              value={fault.id}
              onChange={event => {
                setChosen(event.currentTarget.value);
              }}
            >
              {usable.map(each => (
                <option key={each.id} value={each.id}>
                  {each.name}
                </option>
              ))}
            </select>
          </div>
          <Inject
            key={fault.id}
            fault={fault}
            choices={places(fault, status)}
            connection={connection}
            environment={environment}
            up={props.up}
          />
        </>
      )}
    </div>
  );
}

/** One fault of the library; made anew for another one, so that its fields begin with defaults. */
function Inject(props: {
  fault: FaultDescription;
  choices: readonly Place[];
  connection: IConnection | null;
  environment: string;
  up: boolean;
}): JSX.Element {
  const { fault, choices, connection } = props;
  const fields = [
    ...fieldsOf(fault.arguments),
    ...(fault.one_shot ? [] : [recovery()])
  ];
  const [typed, setTyped] = useState<Typed>(() => initialOf(fields));
  const [chosen, setChosen] = useState('');
  const action = useAction();
  const id = useUniqueId();
  const problems = problemsOf(fields, typed);
  const place = choices.find(each => placeName(each) === chosen) ?? choices[0];
  const ready =
    props.up &&
    connection !== null &&
    place !== undefined &&
    Object.keys(problems).length === 0;
  const inject = (): void => {
    if (ready && action.busy === null) {
      const { [FOR_S]: seconds, ...given } = valuesOf(fields, typed);
      action.run('inject', async () => {
        await new Api(connection.transport).inject(props.environment, {
          fault: fault.id,
          ...place,
          arguments: given,
          ...(typeof seconds === 'number' ? { for_s: seconds } : {})
        });
      });
    }
  };
  return (
    <form
      class="sd-inject"
      onSubmit={event => {
        event.preventDefault();
        inject();
      }}
    >
      <div class="sd-muted">{fault.description}</div>
      <div class="sd-form-row">
        <label for={`${id}-place`}>
          {fault.target === 'link' ? t('Link') : t('Service')}
        </label>
        <select
          id={`${id}-place`}
          value={place ? placeName(place) : ''}
          onChange={event => {
            setChosen(event.currentTarget.value);
          }}
        >
          {choices.map(each => (
            <option key={placeName(each)} value={placeName(each)}>
              {placeName(each)}
            </option>
          ))}
        </select>
      </div>
      <SchemaForm
        fields={fields}
        typed={typed}
        problems={problems}
        onChange={setTyped}
      />
      {fault.expect && (
        <div class="sd-expect">
          <span class="sd-muted">{t('Expect:')}</span> {fault.expect}
        </div>
      )}
      <div class="sd-actions sd-actions-left">
        <Button submit danger busy={action.busy === 'inject'} disabled={!ready}>
          {t('Break it')}
        </Button>
        {!props.up && (
          <span class="sd-muted">
            {t('Start the environment to break it.')}
          </span>
        )}
      </div>
      {action.problem && <Problem problem={action.problem} />}
    </form>
  );
}

const FOR_S = 'for_s';
const DAY_S = 86_400;

/** When it ends by itself: not an argument of the fault, but asked for beside them. */
function recovery(): IFormField {
  return {
    name: FOR_S,
    kind: 'number',
    title: t('Recover after, s'),
    description: t('by itself; left empty: when you say so'),
    required: false,
    initial: '',
    minimum: 0,
    maximum: DAY_S,
    aboveMinimum: true,
    belowMaximum: false,
    options: []
  };
}
