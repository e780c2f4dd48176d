/** What our plugins give each other, and other extensions. */

import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import type { Api } from './api/client';
import type { ApiError } from './api/problem';
import type {
  EnvironmentStatus,
  LessonSummary,
  Machine,
  Runtime,
  WorkspaceDetail
} from './api/types';
import type { EventHub } from './connection/hub';

/** Requests to the control plane behind this Jupyter server, and its events. */
export interface ISysdesignConnection {
  readonly api: Api;
  /** The shared event subscription of an environment. */
  hub(environment: string): EventHub;
}

export const ISysdesignConnection = new Token<ISysdesignConnection>(
  'jupyter-sysdesign:ISysdesignConnection',
  'Requests to the control plane of jupyter-sysdesign, and the events of its environments.'
);

/** Whoever shows text while it is activated asks for this first. */
export interface ITranslations {
  readonly language: string;
}

export const ITranslations = new Token<ITranslations>(
  'jupyter-sysdesign:ITranslations',
  'Says that the texts of jupyter-sysdesign are in the language of JupyterLab now.'
);

/** What a user can set. */
export interface ISysdesignSettings {
  /** What a start asks for; undefined: the server's choice. */
  readonly runtime: Runtime | undefined;
  /** Seconds between two samples of an environment's metrics. */
  readonly sampleInterval: number;
  /** Metrics that a dashboard shows before those the lesson names. */
  readonly charts: readonly string[];
  readonly confirmStop: boolean;
  readonly confirmReset: boolean;
  /** Warn when less than this share of the memory is left, in percent. */
  readonly memoryWarning: number;
  readonly changed: ISignal<ISysdesignSettings, void>;
}

export const ISysdesignSettings = new Token<ISysdesignSettings>(
  'jupyter-sysdesign:ISysdesignSettings',
  'The settings of jupyter-sysdesign.'
);

/** How the connection is; what is known stays on the screen while there is trouble. */
export type Health =
  /** Nothing was asked yet. */
  | { state: 'unknown' }
  | { state: 'ok' }
  /** The next attempt comes by itself; `problem` says what happened and what to do. */
  | { state: 'trouble'; problem: ApiError };

/**
 * What there is and what runs: the one list that every panel of a page shows.
 *
 * Actions reject with `ApiError`, to be shown where they were asked for.
 */
export interface IEnvironments {
  readonly health: Health;
  /** All of them, running or not. */
  readonly environments: readonly EnvironmentStatus[];
  /** Those with processes. */
  readonly running: readonly EnvironmentStatus[];
  /** Last opened first; as of the last time somebody watched. */
  readonly workspaces: readonly WorkspaceDetail[];
  /** The catalogue in its order; as of the last time somebody watched. */
  readonly lessons: readonly LessonSummary[];
  /** Memory; as of the last time anything ran. */
  readonly machine: Machine | null;
  /** Something of it is different now. */
  readonly changed: ISignal<IEnvironments, void>;

  /**
   * Keep everything current until disposed; without a watcher only what runs is.
   *
   * The state of the environment of `workspace` is followed event by event.
   */
  watch(workspace?: string): IDisposable;
  /** Ask now. */
  refresh(): Promise<void>;

  /** The environment of a workspace, if there is one. */
  of(workspace: string): EnvironmentStatus | null;
  /** The title of a lesson, or its id where the catalogue is not known. */
  title(lesson: string): string;

  /** The lesson's workspace: the one opened last, else a new one in the usual place. */
  open(lesson: string): Promise<WorkspaceDetail>;
  /** `workspace`: id, or absolute path of its folder. */
  start(workspace: string): Promise<EnvironmentStatus>;
  stop(environment: string): Promise<EnvironmentStatus>;
  reset(environment: string): Promise<EnvironmentStatus>;
}

export const IEnvironments = new Token<IEnvironments>(
  'jupyter-sysdesign:IEnvironments',
  'The environments and workspaces of this user, kept current, and what can be done with them.'
);

/** The dashboards in the main area, at most one per workspace. */
export interface IDashboards {
  /** Show the dashboard of a workspace; its environment need not be there yet. */
  open(workspace: string): Promise<Widget>;
  /** The dashboard of a workspace, if it is open. */
  find(workspace: string): Widget | undefined;
}

export const IDashboards = new Token<IDashboards>(
  'jupyter-sysdesign:IDashboards',
  'Opens the dashboards of environments.'
);
