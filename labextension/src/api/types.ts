/** The API's models, under their own names. */

import type { components } from './schema';

type Schemas = components['schemas'];

export type ActiveFault = Schemas['ActiveFault'];
export type ActiveFaults = Schemas['ActiveFaults'];
export type Answer = Schemas['Answer'];
export type Applied = Schemas['Applied'];
export type CheckResult = Schemas['CheckResult'];
export type ChecksState = Schemas['ChecksState'];
export type ControlPlaneInfo = Schemas['ControlPlaneInfo'];
export type EndpointStats = Schemas['EndpointStats'];
export type EnvironmentStatus = Schemas['EnvironmentStatus'];
export type EnvironmentState = Schemas['State'];
export type FaultDescription = Schemas['FaultDescription'];
export type FaultLibrary = Schemas['FaultLibrary'];
export type FaultLink = Schemas['FaultLink'];
export type FaultRequest = Schemas['FaultRequest'];
export type ImportedWorkspace = Schemas['ImportedWorkspace'];
export type LessonDetail = Schemas['LessonDetail'];
export type LessonSummary = Schemas['LessonSummary'];
export type LogPage = Schemas['LogPage'];
export type Machine = Schemas['Machine'];
export type MetricSeries = Schemas['MetricSeries'];
export type Migration = Schemas['Migration'];
export type ProfilePage = Schemas['ProfilePage'];
export type Run = Schemas['Run'];
export type RunRequest = Schemas['RunRequest'];
export type RunSummary = Schemas['RunSummary'];
export type Runtime = NonNullable<Schemas['EnvironmentRequest']['runtime']>;
export type RunTick = Schemas['RunTick'];
export type ServiceState = Schemas['ServiceState'];
export type ServiceStatus = Schemas['ServiceStatus'];
export type Status = Schemas['Status'];
export type Verdict = Schemas['Verdict'];
export type WorkspaceDetail = Schemas['WorkspaceDetail'];

/** A line of a service's log. */
export interface ILogLine {
  ts: number;
  service: string;
  line: string;
}
