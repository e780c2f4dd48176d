/** All that a dashboard knows of its environment, and how the API's word changes it. */

import { Signal } from '@lumino/signaling';
import type { Api } from '../api/client';
import type { StreamEvent } from '../api/events';
import { optional } from '../api/problem';
import type {
  ActiveFault,
  EnvironmentStatus,
  FaultDescription,
  LessonDetail,
  Run,
  WorkspaceDetail
} from '../api/types';
import { MetricStore } from '../charts/store';
import { advance, spoken } from '../widget/panel/state';
import {
  advance as advanceVerdict,
  type IVerdictState
} from '../widget/verdict/state';
import { ClientSeries } from './clients';
import { Saves } from './saves';
import type { IProfileDocument } from './shape';
import { Timeline, type MarkKind } from './timeline';

/** The longest stretch of time that charts show, s. */
export const LONGEST_S = 900;
/** A little more than fits on a chart. */
const KEEP_S = LONGEST_S + 60;
/** Figures of clients are old news after this, s. */
const STALE_S = 3;
/** Ticks come ten times a second; eyes need fewer. */
const TICK_MS = 400;

/** What brings figures, or lines of a log, and changes nothing else. */
const FIGURES: ReadonlySet<StreamEvent['type']> = new Set([
  'metric.sample',
  'run.tick',
  'log.line'
]);

/** The newest figures, and word of newer ones. */
export type IFigures = Pick<DashboardState, 'latest' | 'sampled'>;

/** What has to follow on events. */
export interface IAdvance {
  /** More than figures is different. */
  changed: boolean;
  /** A run goes on that is not known: runs have to be fetched. */
  runs: boolean;
}

export class DashboardState {
  status: EnvironmentStatus | null = null;
  workspace: WorkspaceDetail | null = null;
  lesson: LessonDetail | null = null;
  profiles: Readonly<Record<string, IProfileDocument>> = {};
  /** Newest first. */
  runs: readonly Run[] = [];
  /** null: this control plane has no fault library. */
  library: readonly FaultDescription[] | null = null;
  faults: readonly ActiveFault[] = [];
  declared: readonly string[] = [];
  checking = false;
  verdict: IVerdictState = { results: [], verdict: null, waits: false };
  /** What changed last, in words. */
  news = '';

  readonly metrics = new MetricStore(KEEP_S);
  readonly clients = new ClientSeries(KEEP_S);
  readonly timeline = new Timeline();
  readonly saves = new Saves();

  /** Charts have new points. */
  readonly sampled = new Signal<this, void>(this);
  /** A run that goes on has new figures. */
  readonly ticked = new Signal<this, void>(this);

  constructor(private readonly _workspace: string) {}

  /** The run that goes on. */
  get running(): Run | null {
    return this.runs.find(({ state }) => state === 'running') ?? null;
  }

  /** Where charts end, s since the epoch: at the newest sample, else at what was heard last. */
  get end(): number {
    const ends = [this.metrics.end, this.clients.store.end].filter(
      end => end !== null
    );
    return ends.length > 0
      ? Math.max(...ends)
      : this._heard || Date.now() / 1000;
  }

  /** The newest value of a metric; null where it is none, or old. */
  readonly latest = (metric: string): number | null => {
    const { store } = this.clients;
    if (!store.has(metric)) {
      return this.metrics.latest(metric);
    }
    const old = (this.metrics.end ?? 0) - (store.end ?? 0) > STALE_S;
    return old ? null : store.latest(metric);
  };

  take(status: EnvironmentStatus | null): void {
    const said = spoken(this.status, status);
    if (said) {
      this.news = said;
    }
    this.status = status;
    if (status) {
      this.saves.follow(status.services);
    }
  }

  /** Fetch what the workspace is about; also where there is no environment yet. */
  async describe(api: Api): Promise<void> {
    this.workspace = await api.workspace(this._workspace);
    this.lesson = await optional(api.lesson(this.workspace.lesson));
  }

  /** Fetch all but the environment itself. */
  async load(api: Api): Promise<void> {
    const id = this._workspace;
    const [, metrics, runs, profiles, checks, library, active] =
      await Promise.all([
        this.describe(api),
        api.metrics(id),
        api.runs(id),
        optional(api.profiles(id)),
        optional(api.checks(id)),
        optional(api.faults()),
        optional(api.activeFaults(id))
      ]);
    this.metrics.load(metrics);
    this.profiles = profiles?.profiles ?? {};
    this.library = library?.faults ?? null;
    this._takeRuns(runs);
    this._hear(metrics.ts.at(-1));
    this._hear(this.runs[0]?.started_at);
    this._takeFaults(active?.faults ?? []);
    this._endMarks(
      'run',
      runs.filter(run => run.state === 'running')
    );
    if (checks) {
      this.declared = checks.declared;
      this.checking = checks.going;
      const verdict = checks.going ? null : (checks.verdict ?? null);
      this.verdict = { results: checks.results, verdict, waits: false };
      if (verdict) {
        this.timeline.verdict(verdict);
        this._hear(verdict.started_at + verdict.duration_s);
      }
      if (!checks.going) {
        this._endMarks('check', []);
      }
    }
    const shown = this.runs.filter(
      ({ started_at }) => started_at > this._heard - LONGEST_S
    );
    const whole = (
      await Promise.all(shown.map(run => optional(api.run(id, run.id))))
    ).flatMap(run => run ?? []);
    if (whole.length > 0 || this.runs.length === 0) {
      // Not before: a tick of the meantime would keep out all before it. It comes once more.
      this.clients.clear();
      for (const run of whole.reverse()) {
        this.clients.load(run);
      }
      if (whole.at(-1)?.state !== 'running') {
        this.clients.close();
      }
    }
  }

  /** Runs changed in a way that events do not tell. */
  async loadRuns(api: Api): Promise<void> {
    this._takeRuns(await api.runs(this._workspace));
  }

  /** Take in events. Who shows figures hears of them here, and of nothing else. */
  advance(events: readonly StreamEvent[]): IAdvance {
    const before = this.status;
    const points = this.metrics.version + this.clients.store.version;
    const { status } = advance({ status: before, saved: null }, events);
    for (const event of events) {
      if (event.type !== 'gap') {
        this._hear(event.ts); // this side dates gaps
      }
      switch (event.type) {
        case 'metric.sample':
          this.metrics.add(event.ts, event.data.values);
          break;
        case 'run.tick':
          this.clients.add(event.data, event.ts);
          break;
        case 'run.done':
          this.clients.close();
          this._takeRun(event.data);
          break;
        case 'file.saved':
          this.saves.saved(event.data.path, event.ts);
          break;
        case 'service.state':
          this.saves.moved(event.data, event.ts);
          break;
        case 'fault.started':
          this.faults = [
            ...this.faults.filter(({ id }) => id !== event.data.id),
            event.data
          ];
          break;
        case 'fault.ended':
          this.faults = this.faults.filter(({ id }) => id !== event.data.id);
          break;
        case 'check.result':
          if (!this.checking) {
            this.beginCheck();
          }
          break;
        case 'verdict':
          this.checking = false;
          break;
      }
    }
    this.verdict = advanceVerdict(this.verdict, events, 0);
    if (status !== before) {
      this.take(status);
    }
    this.timeline.advance(events);
    const runs = events.some(
      event => event.type === 'run.tick' && !this._knows(event.data.run)
    );
    if (this.metrics.version + this.clients.store.version !== points) {
      this.sampled.emit();
    }
    const now = performance.now();
    if (
      now - this._tickedAt > TICK_MS &&
      events.some(({ type }) => type === 'run.tick')
    ) {
      this._tickedAt = now;
      this.ticked.emit();
    }
    return { changed: events.some(({ type }) => !FIGURES.has(type)), runs };
  }

  /** A check has begun, here or elsewhere: what an earlier one said is over. */
  beginCheck(): void {
    this.checking = true;
    this.news = '';
    this.verdict = { results: [], verdict: null, waits: false };
  }

  /** A run was started here. */
  began(run: Run): void {
    this._takeRun(run);
  }

  private _knows(run: string): boolean {
    return this.runs.some(({ id }) => id === run);
  }

  private _takeRun(run: Run): void {
    this._takeRuns([
      ...this.runs.filter(({ id }) => id !== run.id),
      { ...run, ticks: [], metrics: null }
    ]);
  }

  private _takeRuns(runs: readonly Run[]): void {
    // An answer may be older than the event that told of a run's end.
    const ended = this.runs.filter(({ state }) => state !== 'running');
    this.runs = runs
      .map(run => ended.find(({ id }) => id === run.id) ?? run)
      .sort((a, b) => b.started_at - a.started_at);
    for (const run of this.runs) {
      if (!ended.includes(run)) {
        this.timeline.run(run);
      }
    }
  }

  private _takeFaults(active: readonly ActiveFault[]): void {
    this.faults = active;
    active.forEach(fault => {
      this.timeline.fault(fault);
    });
    this._endMarks('fault', active);
  }

  private _endMarks(kind: MarkKind, active: readonly { id: string }[]): void {
    const ids = active.map(({ id }) => id);
    this.timeline.end(kind, ids, this._heard);
  }

  private _hear(moment: number | undefined): void {
    this._heard = Math.max(this._heard, moment ?? 0);
  }

  /** The newest moment the control plane told of: its clock, as this machine's may be another. */
  private _heard = 0;
  private _tickedAt = -Infinity;
}
