/**
 * The one list of environments, workspaces and lessons in a page.
 *
 * It asks again and again (seldom when nothing happens, not at all in a hidden page, with growing
 * waits while nobody answers), and whatever the control plane says replaces what was known: after a
 * restart, a sleep or a broken connection nothing stays that is not there any more.
 */

import {
  DisposableDelegate,
  DisposableSet,
  type IDisposable
} from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';
import type { Api, IStartOptions } from '../api/client';
import { asProblem } from '../api/problem';
import type {
  EnvironmentState,
  EnvironmentStatus,
  LessonSummary,
  Machine,
  WorkspaceDetail
} from '../api/types';
import type { EventHub } from '../connection/hub';
import type { Health, IEnvironments } from '../tokens';
import { Follower } from './follower';

/** While something starts or stops. */
const MOVING_MS = 1000;
/** While somebody watches. */
const WATCHED_MS = 4000;
const IDLE_MS = 10_000;
const LONGEST_MS = 30_000;

const AT_REST: ReadonlySet<EnvironmentState> = new Set(['stopped', 'failed']);
const STEADY: ReadonlySet<EnvironmentState> = new Set([
  'stopped',
  'failed',
  'ready',
  'degraded'
]);

/** Whether processes of it run, or are about to. */
export function isRunning({ state }: EnvironmentStatus): boolean {
  return !AT_REST.has(state);
}

export interface IRegistryOptions {
  api: Api;
  hub: (environment: string) => EventHub;
  /** How to start, as the user's settings are at that moment. */
  startOptions: () => IStartOptions;
}

export class EnvironmentRegistry implements IEnvironments, IDisposable {
  constructor(private readonly _options: IRegistryOptions) {
    this._api = _options.api;
    this._poll = new Poll({
      auto: false,
      name: 'jupyter-sysdesign:environments',
      factory: () => this._ask(),
      frequency: { interval: IDLE_MS, backoff: true, max: LONGEST_MS },
      standby: 'when-hidden'
    });
    window.addEventListener('online', this._wake);
    document.addEventListener('visibilitychange', this._wake);
  }

  /** Begin to ask; until then nothing is sent. */
  begin(): void {
    this._begun = true;
    void this._poll.start();
  }

  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    window.removeEventListener('online', this._wake);
    document.removeEventListener('visibilitychange', this._wake);
    this._poll.dispose();
    Signal.clearData(this);
  }

  get health(): Health {
    return this._health;
  }

  get environments(): readonly EnvironmentStatus[] {
    return this._environments;
  }

  get running(): readonly EnvironmentStatus[] {
    return this._environments.filter(isRunning);
  }

  get workspaces(): readonly WorkspaceDetail[] {
    return this._workspaces;
  }

  get lessons(): readonly LessonSummary[] {
    return this._lessons;
  }

  get machine(): Machine | null {
    return this._machine;
  }

  get changed(): ISignal<IEnvironments, void> {
    return this._changed;
  }

  watch(workspace?: string): IDisposable {
    const watching = new DisposableSet();
    if (workspace !== undefined) {
      watching.add(
        new Follower(workspace, this, this._options.hub, status => {
          this._take(status);
        })
      );
    }
    this._watchers += 1;
    watching.add(
      new DisposableDelegate(() => {
        this._watchers -= 1;
        this._pace();
      })
    );
    if (this._watchers === 1) {
      void this.refresh();
    }
    return watching;
  }

  async refresh(): Promise<void> {
    if (this._begun && !this.isDisposed) {
      await this._poll.refresh();
      await this._poll.tick.catch(() => undefined); // disposed meanwhile
    }
  }

  of(workspace: string): EnvironmentStatus | null {
    return this._environments.find(({ id }) => id === workspace) ?? null;
  }

  title(lesson: string): string {
    return this._lessons.find(({ id }) => id === lesson)?.title ?? lesson;
  }

  async open(lesson: string): Promise<WorkspaceDetail> {
    const known = this._workspaces.find(each => each.lesson === lesson);
    if (known) {
      return known;
    }
    const made = await this._api.createWorkspace(lesson);
    this._epoch += 1;
    this._workspaces = [
      made,
      ...this._workspaces.filter(({ id }) => id !== made.id)
    ];
    this._changed.emit();
    return made;
  }

  start(workspace: string): Promise<EnvironmentStatus> {
    return this._act(this._api.create(workspace, this._options.startOptions()));
  }

  stop(environment: string): Promise<EnvironmentStatus> {
    return this._act(this._api.stop(environment));
  }

  reset(environment: string): Promise<EnvironmentStatus> {
    return this._act(this._api.reset(environment));
  }

  private async _act(
    asked: Promise<EnvironmentStatus>
  ): Promise<EnvironmentStatus> {
    try {
      const status = await asked;
      this._take(status);
      return status;
    } finally {
      void this.refresh();
    }
  }

  private _take(status: EnvironmentStatus): void {
    const known = this.of(status.id);
    if (known && known.last_seq > status.last_seq) {
      return;
    }
    // What was asked for before this word may be answered with something older.
    this._epoch += 1;
    this._environments = [
      ...this._environments.filter(({ id }) => id !== status.id),
      status
    ].sort((one, other) => one.id.localeCompare(other.id));
    this._pace();
    this._changed.emit();
  }

  private async _ask(): Promise<void> {
    this._epoch += 1;
    this._asked += 1;
    const epoch = this._epoch;
    const asked = this._asked;
    const before = this._all();
    try {
      const watched = this._watchers > 0;
      // Nobody is interested: not worth starting a control plane for.
      const environments = watched
        ? await this._api.environments()
        : ((await this._api.environmentsIfAlive()) ?? []);
      const running = environments.some(isRunning);
      const titleless = running && this._lessons.length === 0;
      const [workspaces, lessons, machine] = await Promise.all([
        watched ? this._api.workspaces() : this._workspaces,
        watched || titleless ? this._api.lessons() : this._lessons,
        running ? this._api.machine() : null
      ]);
      if (epoch !== this._epoch) {
        return; // something newer is known, or asked for
      }
      this._environments = environments;
      this._workspaces = workspaces;
      this._lessons = lessons;
      this._machine = machine;
      this._health = { state: 'ok' };
    } catch (error) {
      if (asked === this._asked) {
        this._health = { state: 'trouble', problem: asProblem(error) };
      }
      throw error; // the poll waits longer each time
    } finally {
      this._pace();
      if (this._all() !== before) {
        this._changed.emit();
      }
    }
  }

  /** All that is known, as text that differs when any of it does. */
  private _all(): string {
    return JSON.stringify([
      this._health,
      this._health.state === 'trouble' && this._health.problem.message,
      this._environments,
      this._workspaces,
      this._lessons,
      this._machine
    ]);
  }

  private _pace(): void {
    const moving = this._environments.some(({ state }) => !STEADY.has(state));
    const interval = moving
      ? MOVING_MS
      : this._watchers > 0
        ? WATCHED_MS
        : IDLE_MS;
    if (interval !== this._poll.frequency.interval && !this.isDisposed) {
      this._poll.frequency = { interval, backoff: true, max: LONGEST_MS };
    }
  }

  private readonly _wake = (): void => {
    if (!document.hidden) {
      void this.refresh();
    }
  };

  private readonly _api: Api;
  private readonly _poll: Poll<void, unknown>;
  private readonly _changed = new Signal<this, void>(this);
  private _begun = false;
  private _watchers = 0;
  private _epoch = 0;
  private _asked = 0;
  private _health: Health = { state: 'unknown' };
  private _environments: readonly EnvironmentStatus[] = [];
  private _workspaces: readonly WorkspaceDetail[] = [];
  private _lessons: readonly LessonSummary[] = [];
  private _machine: Machine | null = null;
}
