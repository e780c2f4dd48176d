/** Logs in a notebook. */

import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { isString } from '../../api/guards';
import { useVisible, type IViewProps } from '../hooks';
import { linesOf } from './lines';
import { Logs } from './Logs';

export function LogsView({ model, connection }: IViewProps): JSX.Element {
  const { props } = model;
  const root = useRef<HTMLDivElement>(null);
  const visible = useVisible(root);
  const service = props.raw['service'];
  return (
    <div ref={root} tabIndex={-1} class="sd-card sd-logs-card">
      <Logs
        connection={connection}
        environment={props.environment}
        active={visible}
        service={isString(service) ? service : null}
        initial={linesOf(model.snapshot('lines'))}
      />
    </div>
  );
}
