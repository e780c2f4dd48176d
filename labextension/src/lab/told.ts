/** Errors of a command that nobody else would show. */

import { Notification } from '@jupyterlab/apputils';
import { asProblem } from '../api/problem';

/** Do it; what goes wrong is told in a notification, and only thrown on where `say` is false. */
export async function told(
  work: () => Promise<unknown>,
  say = true
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const problem = asProblem(error);
    if (!say) {
      throw problem;
    }
    Notification.error(
      [problem.message, problem.hint].filter(Boolean).join(' '),
      { autoClose: false }
    );
  }
}
