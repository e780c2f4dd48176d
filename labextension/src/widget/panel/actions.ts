/** What can be done with an environment as it is now, and what became of it. */

import { useState } from 'preact/hooks';
import { Api, type IStartOptions } from '../../api/client';
import type { ApiError } from '../../api/problem';
import type { EnvironmentStatus } from '../../api/types';
import type { IConnection } from '../../connection/choose';
import type { Link } from '../../connection/session';
import { t } from '../../i18n';
import { useAction } from '../hooks';
import { environmentWord, type IStateWord } from '../states';

export interface IEnvironmentActions {
  word: IStateWord;
  /** Services answer. */
  up: boolean;
  /** No process runs. */
  atRest: boolean;
  /** Something can be asked of the control plane. */
  usable: boolean;
  /** Name of what is going on. */
  busy: string | null;
  problem: ApiError | null;
  /** What the last one did, in a sentence. */
  message: string;
  start: () => void;
  stop: () => void;
  reset: () => void;
  apply: () => void;
  /** Forget what went wrong. */
  clear: () => void;
}

export function useEnvironmentActions(props: {
  connection: IConnection | null;
  workspace: string;
  environment: string;
  status: EnvironmentStatus | null;
  link: Link;
  reload: () => void;
  onStatus: (status: EnvironmentStatus) => void;
  options?: IStartOptions;
  /** What is said until something is done. */
  message?: string;
}): IEnvironmentActions {
  const { connection, environment, status, link, onStatus } = props;
  const [message, setMessage] = useState(props.message ?? '');
  const action = useAction();
  const act = (name: string, work: (api: Api) => Promise<void>): void => {
    if (connection) {
      setMessage('');
      action.run(name, () => work(new Api(connection.transport)));
    }
  };
  const atRest =
    !status || status.state === 'stopped' || status.state === 'failed';
  const known = status !== null || link.state === 'missing';
  return {
    word: status
      ? environmentWord(status.state)
      : link.state === 'missing'
        ? { look: 'off', word: t('Not started yet') }
        : link.state === 'failed'
          ? { look: 'bad', word: t('Not connected') }
          : { look: 'busy', word: t('Connecting') },
    up: status?.state === 'ready' || status?.state === 'degraded',
    atRest,
    usable: connection !== null && known && link.state !== 'failed',
    busy: action.busy,
    problem: action.problem,
    message,
    start: () => {
      act('start', async api => {
        onStatus(await api.create(props.workspace, props.options));
        if (link.state === 'missing') {
          props.reload();
        }
      });
    },
    stop: () => {
      act('stop', async api => {
        onStatus(await api.stop(environment));
      });
    },
    reset: () => {
      act('reset', async api => {
        onStatus(await api.reset(environment));
        setMessage(t('The original data is back.'));
      });
    },
    apply: () => {
      act('apply', async api => {
        setMessage((await api.apply(environment)).message);
      });
    },
    clear: action.clear
  };
}
