/** What commands do. With a workspace named they reject, for whoever asked; without, they say it. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { isString } from '../api/guards';
import type { EnvironmentStatus } from '../api/types';
import { isRunning } from '../environments/registry';
import { t, tn } from '../i18n';
import { told } from '../lab/told';
import { currentWorkspace, hasEnvironment } from '../lessons/current';
import { openLesson } from '../lessons/opening';
import { lessonsOf, recommended } from '../lessons/tree';
import type { IEnvironments, ISysdesignSettings } from '../tokens';

export class Actions {
  constructor(
    private readonly _app: JupyterFrontEnd,
    private readonly _environments: IEnvironments,
    private readonly _settings: ISysdesignSettings
  ) {}

  async openLesson(named: unknown): Promise<void> {
    await told(async () => {
      const lesson = isString(named) ? named : await this._next();
      if (lesson) {
        await openLesson(this._app.commands, this._environments, lesson);
      }
    }, !isString(named));
  }

  /** Whether there can be an environment at all. */
  hasEnvironment(named: unknown): boolean {
    return hasEnvironment(this._app.shell, this._environments, named);
  }

  canStart(named: unknown): boolean {
    const workspace = this._workspace(named);
    const known = workspace ? this._environments.of(workspace) : null;
    return (
      workspace !== null &&
      this.hasEnvironment(workspace) &&
      (!known || !isRunning(known))
    );
  }

  canStop(named: unknown): boolean {
    const known = this._known(named);
    return known !== null && isRunning(known) && known.state !== 'stopping';
  }

  canReset(named: unknown): boolean {
    const state = this._known(named)?.state;
    return state !== undefined && RESETTABLE.has(state);
  }

  async start(named: unknown): Promise<void> {
    const workspace = this._workspace(named);
    if (workspace) {
      await told(() => this._environments.start(workspace), !isString(named));
    }
  }

  async stop(named: unknown): Promise<void> {
    const known = this._known(named);
    if (known && (await this._agreed(known, 'stop'))) {
      await told(() => this._environments.stop(known.id), !isString(named));
    }
  }

  async reset(named: unknown): Promise<void> {
    const known = this._known(named);
    if (known && (await this._agreed(known, 'reset'))) {
      await told(async () => {
        await this._environments.reset(known.id);
        Notification.success(
          t('The original data of "{title}" is back.', {
            title: this._environments.title(known.lesson)
          }),
          { autoClose: 5000 }
        );
      }, !isString(named));
    }
  }

  async stopAll(): Promise<void> {
    const ids = this._environments.running
      .map(({ id }) => id)
      .filter(id => this.canStop(id));
    if (ids.length > 0 && (await this._agreedToAll(ids.length))) {
      await told(() =>
        Promise.all(
          ids
            .filter(id => this.canStop(id)) // one that stopped meanwhile would refuse
            .map(id => this._environments.stop(id))
        )
      );
    }
  }

  private _workspace(named: unknown): string | null {
    return isString(named)
      ? named
      : (currentWorkspace(this._app.shell, this._environments)?.id ?? null);
  }

  private _known(named: unknown): EnvironmentStatus | null {
    const workspace = this._workspace(named);
    return workspace ? this._environments.of(workspace) : null;
  }

  private async _next(): Promise<string | null> {
    const watching = this._environments.watch();
    try {
      await this._environments.refresh();
      const { lessons, workspaces, health } = this._environments;
      if (health.state === 'trouble' && lessons.length === 0) {
        throw health.problem;
      }
      const next = recommended(lessonsOf(this._environments), workspaces);
      return next?.summary.id ?? lessons[0]?.id ?? null;
    } finally {
      watching.dispose();
    }
  }

  private async _agreed(
    environment: EnvironmentStatus,
    what: 'stop' | 'reset'
  ): Promise<boolean> {
    const { confirmStop, confirmReset } = this._settings;
    if (!(what === 'stop' ? confirmStop : confirmReset)) {
      return true;
    }
    const title = this._environments.title(environment.lesson);
    return what === 'stop'
      ? confirmed(
          t('Stop "{title}"?', { title }),
          t('Its processes end. Its data and your files stay.'),
          t('Stop')
        )
      : confirmed(
          t('Reset "{title}"?', { title }),
          t(
            'The original data comes back: everything written to the database since is lost. Your files stay, and your migrations wait to be applied again.'
          ),
          t('Reset the data')
        );
  }

  private async _agreedToAll(count: number): Promise<boolean> {
    return (
      !this._settings.confirmStop ||
      (await confirmed(
        tn('Stop {count} environment?', 'Stop {count} environments?', count),
        tn(
          'Its processes end. Its data and your files stay.',
          'Their processes end. Their data and your files stay.',
          count
        ),
        t('Stop')
      ))
    );
  }
}

async function confirmed(
  title: string,
  body: string,
  yes: string
): Promise<boolean> {
  const answer = await showDialog({
    title,
    body,
    buttons: [
      Dialog.cancelButton({ label: t('Cancel') }),
      Dialog.warnButton({ label: yes })
    ],
    defaultButton: 0
  });
  return answer.button.accept;
}

const RESETTABLE: ReadonlySet<string> = new Set([
  'ready',
  'degraded',
  'stopped',
  'failed'
]);
