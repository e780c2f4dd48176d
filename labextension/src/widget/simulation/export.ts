/** A run to take along: as a picture, or as a page that plays by itself. */

import type { IInk } from './ink';
import { layOut } from './layout';
import { SvgPen } from './pen';
import { drawSpacetime, spacetimeHeight, type ISpan } from './spacetime';
import { drawStage } from './stage';
import type { Timeline } from './timeline';

const WIDTH = 900;
const STAGE = 340;

/** The stage and the space–time diagram of one moment, as one SVG file. */
export function svgFile(
  ink: IInk,
  timeline: Timeline,
  view: { time: number; step: number; seen: number; span: ISpan },
  title: string,
  words: string
): string {
  const height = STAGE + spacetimeHeight(timeline.nodes.length);
  const pen = new SvgPen(WIDTH, height, ink.font);
  pen.box([0, 0], WIDTH, height, { fill: ink.ground });
  drawStage(
    pen,
    ink,
    layOut(timeline.nodes, WIDTH, STAGE),
    timeline,
    timeline.step(view.step),
    view.time,
    null
  );
  pen.below(STAGE, () => {
    drawSpacetime(pen, ink, WIDTH, timeline, { ...view, chosen: null });
  });
  return pen.finish(title, words);
}

/** What anywidget made this view from: enough to make it again in a page of its own. */
export interface ISource {
  script: string;
  style: string;
}

/** A page with everything in it, that asks nobody for anything. */
export function htmlFile(
  source: ISource,
  title: string,
  props: Readonly<Record<string, unknown>>,
  snapshot: Readonly<Record<string, unknown>>
): string {
  const state = { kind: 'simulation', props, snapshot };
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</title>
<style>${source.style.replaceAll('</style', '<\\/style')}</style>
<style>:root { color-scheme: light dark; } body { margin: 16px auto; max-width: 1120px; }</style>
</head>
<body>
<main id="view"></main>
<script type="application/json" id="state">${JSON.stringify(state).replaceAll('<', '\\u003c')}</script>
<script type="text/plain" id="widget">${source.script.replaceAll('</script', '<\\/script')}</script>
<script type="module">
const text = id => document.getElementById(id).textContent;
const values = JSON.parse(text('state'));
const file = new Blob([text('widget')], { type: 'text/javascript' });
const { default: widget } = await import(URL.createObjectURL(file));
const nothing = () => undefined;
const model = { get: name => values[name], set: nothing, save_changes: nothing, send: nothing, on: nothing, off: nothing };
widget.render({ model, el: document.getElementById('view') });
</script>
</body>
</html>
`;
}

/** Hand a file to the browser's downloads. */
export function save(name: string, type: string, content: string): void {
  const link = document.createElement('a');
  const url = URL.createObjectURL(new Blob([content], { type }));
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
  });
}
