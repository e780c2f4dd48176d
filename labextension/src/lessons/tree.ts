/** The curriculum as a tree: tracks, tiers, lessons; searched, filtered, and walked through. */

import type {
  EnvironmentStatus,
  LessonSummary,
  WorkspaceDetail
} from '../api/types';
import { progressOf, type IProgress } from './progress';

export interface ILesson {
  summary: LessonSummary;
  workspace: WorkspaceDetail | null;
  environment: EnvironmentStatus | null;
  progress: IProgress;
}

interface IBranch {
  id: string;
  /** Lessons below it, and how many of them are finished. */
  lessons: number;
  finished: number;
}

export interface ITier extends IBranch {
  tier: string;
  children: readonly ILesson[];
}

export interface ITrack extends IBranch {
  track: number;
  children: readonly ITier[];
}

export interface IFilter {
  search: string;
  /** Empty: any. */
  concept: string;
}

/** A line of the tree as it stands on the screen. */
export type Row =
  | { kind: 'track'; id: string; parent: null; node: ITrack }
  | { kind: 'tier'; id: string; parent: string; node: ITier }
  | { kind: 'lesson'; id: string; parent: string; node: ILesson };

/** Put together what is known of each lesson, in the order of the catalogue. */
export function lessonsOf(known: {
  lessons: readonly LessonSummary[];
  workspaces: readonly WorkspaceDetail[];
  environments: readonly EnvironmentStatus[];
}): readonly ILesson[] {
  return known.lessons.map(summary => {
    const workspace =
      known.workspaces.find(({ lesson }) => lesson === summary.id) ?? null;
    return {
      summary,
      workspace,
      environment: workspace
        ? (known.environments.find(({ id }) => id === workspace.id) ?? null)
        : null,
      progress: progressOf(workspace)
    };
  });
}

/**
 * The lesson to go on with: of those begun the one opened last, else the first that is new.
 *
 * @param workspaces - last opened first
 */
export function recommended(
  lessons: readonly ILesson[],
  workspaces: readonly WorkspaceDetail[]
): ILesson | null {
  const begun = workspaces.flatMap(({ id }) =>
    lessons.filter(
      ({ workspace, progress }) =>
        workspace?.id === id && progress.state === 'going'
    )
  );
  return (
    begun[0] ?? lessons.find(({ progress }) => progress.state === 'new') ?? null
  );
}

/** Every concept there is, once. */
export function conceptsOf(lessons: readonly ILesson[]): readonly string[] {
  const all = new Set(lessons.flatMap(({ summary }) => summary.concepts));
  return [...all].sort((one, other) =>
    one.localeCompare(other, 'en', { sensitivity: 'base' })
  );
}

/** Whether a lesson has the concept, and every word of the search somewhere. */
export function matches(lesson: ILesson, filter: IFilter): boolean {
  const { summary } = lesson;
  if (filter.concept && !summary.concepts.includes(filter.concept)) {
    return false;
  }
  const text = [summary.id, summary.title, summary.summary, ...summary.concepts]
    .join(' ')
    .toLowerCase();
  return filter.search
    .toLowerCase()
    .split(/\s+/)
    .every(word => text.includes(word));
}

/** Arrange lessons by track and tier, in the order they come. */
export function treeOf(lessons: readonly ILesson[]): readonly ITrack[] {
  const tracks = grouped(lessons, ({ summary }) => summary.track);
  return [...tracks].map(([track, ofTrack]) => {
    const tiers = grouped(ofTrack, ({ summary }) => summary.tier);
    const id = `track-${track}`;
    return {
      id,
      track,
      ...counts(ofTrack),
      children: [...tiers].map(([tier, children]) => ({
        id: `${id}-${tier}`,
        tier,
        ...counts(children),
        children
      }))
    };
  });
}

/** The lines that show, given which branches are closed. */
export function rowsOf(
  tracks: readonly ITrack[],
  closed: ReadonlySet<string>
): readonly Row[] {
  return tracks.flatMap(track => [
    { kind: 'track' as const, id: track.id, parent: null, node: track },
    ...(closed.has(track.id)
      ? []
      : track.children.flatMap(tier => [
          {
            kind: 'tier' as const,
            id: tier.id,
            parent: track.id,
            node: tier
          },
          ...(closed.has(tier.id)
            ? []
            : tier.children.map(lesson => ({
                kind: 'lesson' as const,
                id: lesson.summary.id,
                parent: tier.id,
                node: lesson
              })))
        ]))
  ]);
}

/** `1.2` of `t1-02-indexes`; empty where the id says nothing of the kind. */
export function numberOf(lesson: string): string {
  const found = /^t(\d+)-0*(\d+)-/.exec(lesson);
  return found ? `${found[1] ?? ''}.${found[2] ?? ''}` : '';
}

function grouped<Key>(
  lessons: readonly ILesson[],
  keyOf: (lesson: ILesson) => Key
): Map<Key, ILesson[]> {
  const groups = new Map<Key, ILesson[]>();
  for (const lesson of lessons) {
    const key = keyOf(lesson);
    groups.set(key, [...(groups.get(key) ?? []), lesson]);
  }
  return groups;
}

function counts(lessons: readonly ILesson[]): {
  lessons: number;
  finished: number;
} {
  return {
    lessons: lessons.length,
    finished: lessons.filter(({ progress }) => progress.state === 'finished')
      .length
  };
}
