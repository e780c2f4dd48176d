/** What happened lately: runs, faults, saved files, checks, in the order they began. */

import type { StreamEvent } from '../api/events';
import type { IChartMark } from '../charts/marks';
import type { ActiveFault, Run, Verdict } from '../api/types';
import { t } from '../i18n';

export type MarkKind = 'run' | 'fault' | 'save' | 'check';

export interface IMark extends IChartMark {
  id: string;
  kind: MarkKind;
}

const MOST = 200;
/** An editor may save twice at once. */
const SAME_SAVE_S = 1;

const TONES = {
  run: 1,
  fault: 'bad',
  save: 4,
  check: 3
} as const;

export class Timeline {
  get marks(): readonly IMark[] {
    return this._marks;
  }

  /** Grows with every change. */
  get version(): number {
    return this._version;
  }

  /** What the last check decided. */
  get verdictWords(): string {
    return this._marks.findLast(({ kind }) => kind === 'check')?.label ?? '';
  }

  /** Marks that are not over before `from`. */
  since(from: number): readonly IMark[] {
    return this._marks.filter(({ to }) => to === null || to >= from);
  }

  /** Take in what events tell. */
  advance(events: readonly StreamEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case 'run.tick':
          if (!this._goesOn('run', event.data.run)) {
            this._put(
              'run',
              event.data.run,
              t('run'),
              event.ts - event.data.t_s
            );
          }
          break;
        case 'run.done':
          this.run(event.data, event.ts);
          break;
        case 'file.saved':
          this._save(event.data.path, event.ts);
          break;
        case 'fault.started':
          this.fault(event.data);
          break;
        case 'fault.ended':
          this.fault(event.data, event.ts);
          break;
        case 'check.result':
          if (!this._goesOn('check')) {
            this._put('check', `${event.seq}`, t('check'), event.ts);
          }
          break;
        case 'verdict':
          this.verdict(event.data);
          break;
      }
    }
  }

  run(run: Run, endedAt: number | null = null): void {
    const { started_at: from, summary } = run;
    const to =
      run.state === 'running'
        ? null
        : summary
          ? from + summary.duration_s
          : (endedAt ?? from);
    this._put(
      'run',
      run.id,
      t('run {profile}', { profile: run.profile }),
      from,
      to
    );
  }

  fault(fault: ActiveFault, endedAt: number | null = null): void {
    const label = t('fault: {name}', { name: fault.name });
    this._put('fault', fault.id, label, fault.started_at, endedAt);
  }

  verdict(verdict: Verdict): void {
    const words = {
      passed: t('check: passed'),
      failed: t('check: not yet'),
      unknown: t('check: unknown')
    };
    const going = this._goesOn('check');
    if (going) {
      this._remove(going.id);
    }
    const { started_at: from, duration_s } = verdict;
    this._put(
      'check',
      `${from}`,
      words[verdict.status],
      from,
      from + duration_s
    );
  }

  /** All but the active ones are over, which no event told: a control plane was killed, say. */
  end(kind: MarkKind, active: readonly string[], at: number): void {
    const ids = active.map(name => `${kind} ${name}`);
    for (const mark of this._marks) {
      if (mark.kind === kind && mark.to === null && !ids.includes(mark.id)) {
        mark.to = Math.max(mark.from, at);
        this._version += 1;
      }
    }
  }

  /** The mark that is not over, of any or of this name. */
  private _goesOn(kind: MarkKind, name?: string): IMark | undefined {
    return this._marks.find(
      each =>
        each.kind === kind &&
        each.to === null &&
        (name === undefined || each.id === `${kind} ${name}`)
    );
  }

  private _save(path: string, ts: number): void {
    const label = t('saved {file}', { file: path.split('/').at(-1) ?? path });
    const last = this._marks.findLast(each => each.kind === 'save');
    if (last?.label === label && ts - last.from < SAME_SAVE_S) {
      return;
    }
    this._put('save', `${path} ${ts}`, label, ts, ts);
  }

  private _put(
    kind: MarkKind,
    name: string,
    label: string,
    from: number,
    to: number | null = null
  ): void {
    const id = `${kind} ${name}`;
    this._version += 1;
    this._remove(id);
    this._marks.push({ id, kind, label, from, to, tone: TONES[kind] });
    this._marks.sort((a, b) => a.from - b.from);
    if (this._marks.length > MOST) {
      this._marks.shift();
    }
  }

  private _remove(id: string): void {
    const index = this._marks.findIndex(each => each.id === id);
    if (index >= 0) {
      this._marks.splice(index, 1);
    }
  }

  private _version = 0;
  private readonly _marks: IMark[] = [];
}
