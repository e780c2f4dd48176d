/** Parts of this page that are loaded when they are first needed, which may fail like any request. */

import { ApiError } from '../api/problem';
import { t } from '../i18n';

/** Answer the part; where it does not come, `failed` says what that was. */
export async function late<Part>(
  part: Promise<Part>,
  failed: string
): Promise<Part> {
  try {
    return await part;
  } catch {
    throw new ApiError(
      failed,
      'not_loaded',
      0,
      t('Open it again, or reload the page, to try again.')
    );
  }
}
