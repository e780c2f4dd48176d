/** A traffic shape as somebody draws it, and the custom profile it makes. */

import { t } from '../i18n';

/** One profile of `load.yaml`, as the API tells it; what it leaves out has the API's default. */
export interface IProfileDocument {
  description?: string;
  mode?: 'closed' | 'open';
  connections?: number | null;
  rate?: number | null;
  arrivals?: 'constant' | 'poisson';
  duration_s?: number | null;
  stages?: readonly IStageDocument[];
  mix?: readonly IRequestDocument[];
  [other: string]: unknown;
}

export interface IStageDocument {
  duration_s: number;
  connections?: number | null;
  rate?: number | null;
  ramp?: boolean;
}

export interface IRequestDocument {
  name: string;
  weight?: number;
  [other: string]: unknown;
}

/** As typed: what is not a number yet stays on the screen. */
export interface IStage {
  seconds: string;
  /** Clients of a closed loop, requests per second of an open one. */
  level: string;
  ramp: boolean;
}

export interface IShape {
  mode: 'closed' | 'open';
  arrivals: 'constant' | 'poisson';
  stages: readonly IStage[];
  /** Weight by request name. */
  mix: Readonly<Record<string, string>>;
}

export const LIMITS = {
  seconds: 600,
  connections: 2000,
  rate: 50_000,
  stages: 100,
  weight: 1e6
};

/** The shape a profile has. */
export function shapeOf(profile: IProfileDocument): IShape {
  const mode = profile.mode ?? 'closed';
  const level = (of: {
    connections?: number | null;
    rate?: number | null;
  }): string => String((mode === 'closed' ? of.connections : of.rate) ?? '');
  const stages = profile.stages ?? [];
  return {
    mode,
    arrivals: profile.arrivals ?? 'constant',
    stages:
      stages.length > 0
        ? stages.map(stage => ({
            seconds: String(stage.duration_s),
            level: level(stage),
            ramp: stage.ramp ?? false
          }))
        : [
            {
              seconds: String(profile.duration_s ?? 10),
              level: level(profile),
              ramp: false
            }
          ],
    mix: Object.fromEntries(
      (profile.mix ?? []).map(({ name, weight }) => [name, String(weight ?? 1)])
    )
  };
}

/** The same with the other kind of loop: levels mean something else there, so they start anew. */
export function withMode(shape: IShape, mode: IShape['mode']): IShape {
  if (mode === shape.mode) {
    return shape;
  }
  const level = mode === 'closed' ? '20' : '50';
  return {
    ...shape,
    mode,
    arrivals: mode === 'open' ? 'poisson' : 'constant',
    stages: shape.stages.map(stage => ({ ...stage, level }))
  };
}

/** What is wrong, by `seconds 0`, `level 0`, `mix name`, `stages` or `mix`; empty: nothing. */
export function shapeProblems(shape: IShape): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  const most = shape.mode === 'closed' ? LIMITS.connections : LIMITS.rate;
  shape.stages.forEach(({ seconds, level }, index) => {
    const length = number(seconds);
    if (length === null || length <= 0) {
      found[`seconds ${index}`] = t('More than 0 seconds.');
    }
    const height = number(level);
    if (height === null || height < 0 || height > most) {
      found[`level ${index}`] = t('From 0 to {most}.', { most });
    } else if (shape.mode === 'closed' && !Number.isInteger(height)) {
      found[`level ${index}`] = t('A whole number of clients.');
    }
  });
  const total = totalSeconds(shape);
  if (shape.stages.length === 0) {
    found['stages'] = t('At least one stage.');
  } else if (total > LIMITS.seconds) {
    found['stages'] = t('A run lasts {most} s at most; these are {total} s.', {
      most: LIMITS.seconds,
      total
    });
  } else if (shape.stages.every(({ level }) => number(level) === 0)) {
    found['stages'] = t('Some stage needs traffic.');
  }
  const weights = Object.entries(shape.mix);
  for (const [name, weight] of weights) {
    const value = number(weight);
    if (value === null || value < 0 || value > LIMITS.weight) {
      found[`mix ${name}`] = t('A weight from 0 to {most}.', {
        most: LIMITS.weight
      });
    }
  }
  if (!weights.some(([, weight]) => (number(weight) ?? 0) > 0)) {
    found['mix'] = t('Some request needs a weight.');
  }
  return found;
}

/** The custom profile: `base` with this shape; requests of weight 0 are left out. */
export function customOf(
  base: IProfileDocument,
  shape: IShape
): IProfileDocument {
  const closed = shape.mode === 'closed';
  const rest = Object.fromEntries(
    Object.entries(base).filter(([key]) => !SHAPED.has(key))
  );
  const level = (text: string): Pick<IStageDocument, 'connections' | 'rate'> =>
    closed ? { connections: Number(text) } : { rate: Number(text) };
  const [only] = shape.stages;
  const load: IProfileDocument =
    shape.stages.length === 1 && only && !only.ramp
      ? { duration_s: Number(only.seconds), ...level(only.level) }
      : {
          stages: shape.stages.map(stage => ({
            duration_s: Number(stage.seconds),
            ...level(stage.level),
            ramp: stage.ramp
          }))
        };
  return {
    ...rest,
    mode: shape.mode,
    ...(closed ? {} : { arrivals: shape.arrivals }),
    ...load,
    mix: (base.mix ?? []).flatMap(request => {
      const weight = Number(shape.mix[request.name] ?? request.weight ?? 1);
      return weight > 0 ? [{ ...request, weight }] : [];
    })
  };
}

const SHAPED: ReadonlySet<string> = new Set([
  'description',
  'mode',
  'arrivals',
  'connections',
  'rate',
  'duration_s',
  'stages',
  'mix'
]);

export function totalSeconds(shape: IShape): number {
  return shape.stages.reduce(
    (total, { seconds }) => total + (number(seconds) ?? 0),
    0
  );
}

/** The level over time, as `[seconds, level]` corners; levels that are none yet count as 0. */
export function outline(shape: IShape): readonly (readonly [number, number])[] {
  const corners: [number, number][] = [];
  let at = 0;
  let before = 0;
  for (const stage of shape.stages) {
    const level = number(stage.level) ?? 0;
    corners.push([at, stage.ramp ? before : level]);
    at += Math.max(0, number(stage.seconds) ?? 0);
    corners.push([at, level]);
    before = level;
  }
  return corners;
}

/** Share of each request in the traffic, by name. */
export function shares(shape: IShape): Readonly<Record<string, number>> {
  const weights = Object.entries(shape.mix).map(
    ([name, weight]) => [name, Math.max(0, number(weight) ?? 0)] as const
  );
  const total = weights.reduce((sum, [, weight]) => sum + weight, 0);
  return Object.fromEntries(
    weights.map(([name, weight]) => [name, total > 0 ? weight / total : 0])
  );
}

function number(text: string): number | null {
  const value = text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}
