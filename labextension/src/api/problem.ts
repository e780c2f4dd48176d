/** What went wrong, and what to do next: the API's `Problem`, or the same said by this side. */

import { t } from '../i18n';
import { isRecord, isString } from './guards';

export class ApiError extends Error {
  constructor(
    message: string,
    readonly code: string,
    /** HTTP status; 0 when there was no answer. */
    readonly status: number,
    readonly hint = ''
  ) {
    super(message);
    this.name = 'ApiError';
  }

  /** Whether trying again later may help without anybody doing something. */
  get transient(): boolean {
    return (
      this.status === 0 || (this.status >= 500 && this.code !== 'internal')
    );
  }
}

/** The server gave no answer at all. */
export function unreachable(): ApiError {
  return new ApiError(
    t('The Jupyter server does not answer.'),
    'unreachable',
    0,
    t('Check that it is still running. This view connects again by itself.')
  );
}

/** Make an error of a response that is not a success. */
export function problemOf(status: number, body: unknown): ApiError {
  if (
    isRecord(body) &&
    isString(body['code']) &&
    isString(body['message']) &&
    body['code'] &&
    body['code'] !== 'forbidden' // Jupyter's own word, which says nothing of what to do
  ) {
    const hint = isString(body['hint']) ? body['hint'] : '';
    return new ApiError(body['message'], body['code'], status, hint);
  }
  if (status === 401 || status === 403) {
    return new ApiError(
      t('The Jupyter server refused this request ({status}).', { status }),
      'forbidden',
      status,
      t('You may have been logged out. Reload the page and log in again.')
    );
  }
  if (status === 404) {
    return new ApiError(
      t('The Jupyter server does not know this address.'),
      'no_extension',
      status,
      t(
        'Run "jupyter server extension list": jupyter_sysdesign must be enabled there.'
      )
    );
  }
  const said =
    isRecord(body) && isString(body['message']) ? body['message'] : '';
  return new ApiError(
    said || t('The server answered with status {status}.', { status }),
    'http_error',
    status,
    status >= 500 ? t('Try again in a moment.') : ''
  );
}

/** Whatever was thrown, as something that can be shown. */
export function asProblem(error: unknown): ApiError {
  if (error instanceof ApiError) {
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  return new ApiError(message, 'internal', 500);
}

/** What a control plane may not have, or not be able to tell: null then. */
export async function optional<Model>(
  asked: Promise<Model>
): Promise<Model | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ApiError && !error.transient) {
      return null;
    }
    throw error;
  }
}
