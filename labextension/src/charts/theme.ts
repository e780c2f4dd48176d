/** Colours of charts, read from the stylesheet, and word of when they change. */

/** A colour by its role; 1–6 are for series, in an order that stays apart for the colour-blind. */
export type Tone = 1 | 2 | 3 | 4 | 5 | 6 | 'bad' | 'muted';

const DASHES: readonly (readonly number[] | undefined)[] = [
  undefined,
  [6, 4],
  [2, 3],
  [10, 3, 2, 3]
];

/** How the `index`th of several equal lines is drawn: they differ in more than colour. */
export function lineStyle(index: number): {
  tone: Tone;
  dash?: readonly number[];
} {
  const dash = DASHES[index % DASHES.length];
  return { tone: ((index % 6) + 1) as Tone, ...(dash ? { dash } : {}) };
}

export interface IPalette {
  text: string;
  grid: string;
  font: string;
  family: string;
  tone(tone: Tone): string;
}

/** Read the colours that apply at `element`. */
export function readPalette(element: Element): IPalette {
  const style = getComputedStyle(element);
  const read = (name: string): string =>
    style.getPropertyValue(`--sd-${name}`).trim();
  const tones = new Map<Tone, string>();
  return {
    text: read('chart-text'),
    grid: read('chart-grid'),
    font: `11px ${style.fontFamily || 'sans-serif'}`,
    family: style.fontFamily || 'sans-serif',
    tone: tone => {
      let colour = tones.get(tone);
      if (colour === undefined) {
        colour = read(`chart-${tone}`);
        tones.set(tone, colour);
      }
      return colour;
    }
  };
}

const listeners = new Set<() => void>();
let stop: (() => void) | null = null;

/** Call `listener` when the page's theme changes; the result ends it. */
export function onThemeChange(listener: () => void): () => void {
  listeners.add(listener);
  stop ??= watch();
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      stop?.();
      stop = null;
    }
  };
}

function watch(): () => void {
  const changed = (): void => {
    // Lab sets the attributes before the theme's stylesheet has loaded: read now and a little later.
    for (const delay of [0, 300]) {
      setTimeout(() => {
        listeners.forEach(listener => {
          listener();
        });
      }, delay);
    }
  };
  const observer = new MutationObserver(changed);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: [
      'class',
      'data-jp-theme-light',
      'data-jp-theme-name',
      'data-vscode-theme-kind'
    ]
  });
  const system = [
    '(prefers-color-scheme: dark)',
    '(forced-colors: active)'
  ].map(query => window.matchMedia(query));
  for (const query of system) {
    query.addEventListener('change', changed);
  }
  return () => {
    observer.disconnect();
    for (const query of system) {
      query.removeEventListener('change', changed);
    }
  };
}
