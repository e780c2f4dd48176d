/** The API as typed calls over any transport. Each throws `ApiError`. */

import type { ITransport } from '../connection/transport';
import type {
  ActiveFault,
  ActiveFaults,
  Answer,
  Applied,
  ChecksState,
  ControlPlaneInfo,
  EnvironmentStatus,
  FaultLibrary,
  FaultRequest,
  ImportedWorkspace,
  LessonDetail,
  LessonSummary,
  LogPage,
  Machine,
  MetricSeries,
  ProfilePage,
  Run,
  RunRequest,
  Runtime,
  ServiceStatus,
  Verdict,
  WorkspaceDetail
} from './types';

export type ServiceAction = 'start' | 'stop' | 'kill' | 'pause' | 'resume';

/** How an environment is to be started; what is left out is the server's choice. */
export interface IStartOptions {
  runtime?: Runtime | undefined;
  sample_interval_s?: number;
}

// Looking again and again is no sign of a person, who would keep a hub's server from being culled.
const QUIETLY = 'no_track_activity=1';

export class Api {
  constructor(readonly transport: ITransport) {}

  lesson(id: string): Promise<LessonDetail> {
    return this._get(`/v1/lessons/${part(id)}`);
  }

  info(): Promise<ControlPlaneInfo> {
    return this._get('/v1');
  }

  machine(): Promise<Machine> {
    return this._get(`/v1/machine?${QUIETLY}`);
  }

  lessons(): Promise<readonly LessonSummary[]> {
    return this._get(`/v1/lessons?${QUIETLY}`);
  }

  workspaces(): Promise<readonly WorkspaceDetail[]> {
    return this._get(`/v1/workspaces?${QUIETLY}`);
  }

  /** Make the workspace of a lesson in its usual place, or find it there. */
  createWorkspace(lesson: string): Promise<WorkspaceDetail> {
    return this._send('POST', '/v1/workspaces', { lesson });
  }

  /** The workspace in a folder: absolute, or relative to the Jupyter root. */
  workspaceIn(folder: string): Promise<WorkspaceDetail> {
    return this._get(`/v1/workspaces/find?folder=${part(folder)}`);
  }

  workspace(id: string): Promise<WorkspaceDetail> {
    return this._get(`/v1/workspaces/${part(id)}`);
  }

  answer(
    workspace: string,
    question: string,
    request: { value: unknown } | { skip: true }
  ): Promise<Answer> {
    return this._send(
      'PUT',
      `/v1/workspaces/${part(workspace)}/answers/${part(question)}`,
      request
    );
  }

  /** Take up work from a zip in the Jupyter root. */
  importWork(
    file: string,
    overwrite: boolean
  ): Promise<readonly ImportedWorkspace[]> {
    return this._send('POST', '/v1/work', { file, overwrite });
  }

  environments(): Promise<readonly EnvironmentStatus[]> {
    return this._get(`/v1/environments?${QUIETLY}`);
  }

  /** The environments if a control plane lives; null where none does, and none is started. */
  environmentsIfAlive(): Promise<readonly EnvironmentStatus[] | null> {
    return this._get(`/v1/environments?if_alive=1&${QUIETLY}`);
  }

  environment(id: string): Promise<EnvironmentStatus> {
    return this._get(`/v1/environments/${part(id)}`);
  }

  /** Prepare and start the environment of a workspace; one that runs already will do. */
  create(
    workspace: string,
    options: IStartOptions = {}
  ): Promise<EnvironmentStatus> {
    return this._send('POST', '/v1/environments', {
      workspace,
      reuse: true,
      ...options
    });
  }

  start(id: string): Promise<EnvironmentStatus> {
    return this._send('POST', `/v1/environments/${part(id)}/start`);
  }

  stop(id: string): Promise<EnvironmentStatus> {
    return this._send('POST', `/v1/environments/${part(id)}/stop`);
  }

  reset(id: string): Promise<EnvironmentStatus> {
    return this._send('POST', `/v1/environments/${part(id)}/reset`);
  }

  apply(id: string): Promise<Applied> {
    return this._send('POST', `/v1/environments/${part(id)}/apply`, {});
  }

  service(
    id: string,
    name: string,
    action: ServiceAction
  ): Promise<ServiceStatus> {
    return this._send(
      'POST',
      `/v1/environments/${part(id)}/services/${part(name)}/${action}`
    );
  }

  logs(id: string, service: string | null, tail: number): Promise<LogPage> {
    const only = service ? `&service=${part(service)}` : '';
    return this._get(`/v1/environments/${part(id)}/logs?tail=${tail}${only}`);
  }

  metrics(id: string): Promise<MetricSeries> {
    return this._get(`/v1/environments/${part(id)}/metrics`);
  }

  /** The traffic shapes of the environment's `load.yaml`, in full. */
  profiles(id: string): Promise<ProfilePage> {
    return this._get(`/v1/environments/${part(id)}/profiles`);
  }

  /** Runs, oldest first, without ticks. */
  runs(id: string): Promise<readonly Run[]> {
    return this._get(`/v1/environments/${part(id)}/runs`);
  }

  startRun(id: string, request: Partial<RunRequest>): Promise<Run> {
    return this._send('POST', `/v1/environments/${part(id)}/runs`, request);
  }

  run(id: string, run: string): Promise<Run> {
    return this._get(`/v1/environments/${part(id)}/runs/${part(run)}`);
  }

  stopRun(id: string, run: string): Promise<Run> {
    return this._send(
      'DELETE',
      `/v1/environments/${part(id)}/runs/${part(run)}`
    );
  }

  checks(id: string): Promise<ChecksState> {
    return this._get(`/v1/environments/${part(id)}/checks`);
  }

  /** Check the learner's files on a fresh system; answers when decided, events tell meanwhile. */
  check(id: string): Promise<Verdict> {
    return this._send('POST', `/v1/environments/${part(id)}/checks`, {});
  }

  faults(): Promise<FaultLibrary> {
    return this._get('/v1/faults');
  }

  activeFaults(id: string): Promise<ActiveFaults> {
    return this._get(`/v1/environments/${part(id)}/faults`);
  }

  inject(id: string, request: Partial<FaultRequest>): Promise<ActiveFault> {
    return this._send('POST', `/v1/environments/${part(id)}/faults`, request);
  }

  /** End a fault; one that is over already will do. */
  recover(id: string, fault: string): Promise<unknown> {
    return this._send(
      'DELETE',
      `/v1/environments/${part(id)}/faults/${part(fault)}`
    );
  }

  // The server of the same package answers with these models; the generated types are its word.
  private _get<Model>(path: string): Promise<Model> {
    return this.transport.request('GET', path) as Promise<Model>;
  }

  private _send<Model>(
    method: 'POST' | 'PUT' | 'DELETE',
    path: string,
    body?: unknown
  ): Promise<Model> {
    return this.transport.request(method, path, body) as Promise<Model>;
  }
}

function part(name: string): string {
  return encodeURIComponent(name);
}
