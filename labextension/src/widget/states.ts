/** Words and icons of states: the same ones everywhere, and never colour alone. */

import type { EnvironmentState, ServiceState, Status } from '../api/types';
import { t } from '../i18n';

/** Suffix of `sd-state-…`: picks icon and colour. */
export type Look =
  'ok' | 'busy' | 'warn' | 'bad' | 'off' | 'paused' | 'unknown';

export interface IStateWord {
  look: Look;
  word: string;
}

export function environmentWord(state: EnvironmentState): IStateWord {
  switch (state) {
    case 'preparing':
      return { look: 'busy', word: t('Preparing') };
    case 'starting':
      return { look: 'busy', word: t('Starting') };
    case 'ready':
      return { look: 'ok', word: t('Ready') };
    case 'degraded':
      return { look: 'warn', word: t('Degraded') };
    case 'stopping':
      return { look: 'busy', word: t('Stopping') };
    case 'stopped':
      return { look: 'off', word: t('Stopped') };
    case 'failed':
      return { look: 'bad', word: t('Failed') };
  }
}

export function serviceWord(state: ServiceState): IStateWord {
  switch (state) {
    case 'stopped':
      return { look: 'off', word: t('Stopped') };
    case 'starting':
      return { look: 'busy', word: t('Starting') };
    case 'ready':
      return { look: 'ok', word: t('Ready') };
    case 'paused':
      return { look: 'paused', word: t('Paused') };
    case 'restarting':
      return { look: 'busy', word: t('Restarting') };
    case 'failed':
      return { look: 'bad', word: t('Failed') };
  }
}

export function checkWord(status: Status): IStateWord {
  switch (status) {
    case 'passed':
      return { look: 'ok', word: t('Passed') };
    case 'failed':
      return { look: 'bad', word: t('Failed') };
    case 'unknown':
      return { look: 'unknown', word: t('Unknown') };
  }
}
