import { svgFile, htmlFile } from '../../src/widget/simulation/export';
import { readInk } from '../../src/widget/simulation/ink';
import {
  layOut,
  messagePlace,
  targetAt
} from '../../src/widget/simulation/layout';
import { fieldsOf } from '../../src/widget/simulation/message';
import { SvgPen, type Point } from '../../src/widget/simulation/pen';
import { spanAround, timeAtX } from '../../src/widget/simulation/spacetime';
import { drawStage } from '../../src/widget/simulation/stage';
import { Timeline } from '../../src/widget/simulation/timeline';
import { parseTrace } from '../../src/widget/simulation/trace';
import { ELECTION } from './trace';

const timeline = new Timeline(parseTrace(ELECTION));
const layout = layOut(timeline.nodes, 400, 300);

test('every node has a place of its own inside the picture', () => {
  const places = [...layout.places.values()];
  expect(places).toHaveLength(3);
  for (const [x, y] of places) {
    expect(x).toBeGreaterThan(25);
    expect(x).toBeLessThan(375);
    expect(y).toBeGreaterThan(25);
    expect(y).toBeLessThan(275);
  }
  expect(new Set(places.map(String)).size).toBe(3);
});

test('a message goes from its sender to its receiver', () => {
  const [flying] = timeline.inFlight(2000);
  const from = layout.places.get(1) ?? [0, 0];
  const to = layout.places.get(2) ?? [0, 0];
  const place = flying && messagePlace(layout, flying);
  expect(place).not.toBeNull();
  const [x, y] = place ?? [0, 0];
  // Half-way, and a little beside the line so that answers do not meet it.
  expect(Math.abs(x - (from[0] + to[0]) / 2)).toBeLessThan(6);
  expect(Math.abs(y - (from[1] + to[1]) / 2)).toBeLessThan(6);
});

test('a click finds messages first, then nodes, then links', () => {
  const flying = timeline.inFlight(2000);
  const [first] = flying;
  const place = first && messagePlace(layout, first);
  expect(targetAt(layout, flying, place ?? [0, 0])).toEqual({
    kind: 'message',
    message: 5
  });
  expect(targetAt(layout, [], place ?? [0, 0])).toEqual({
    kind: 'link',
    src: 1,
    dst: 2
  });
  expect(targetAt(layout, flying, layout.places.get(3) ?? [0, 0])).toEqual({
    kind: 'node',
    node: 3
  });
  expect(targetAt(layout, flying, [1, 1])).toBeNull();
});

/** Where the names of messages stand on the stage at a moment. */
function namesAt(time: number): Point[] {
  const found: Point[] = [];
  const pen = new SvgPen(400, 300, 'sans-serif');
  const write = pen.text.bind(pen);
  pen.text = (at, words, style): void => {
    if (words === 'RequestVote') {
      found.push(at);
    }
    write(at, words, style);
  };
  const step = timeline.step(timeline.stepAt(time));
  drawStage(pen, readInk(document.body), layout, timeline, step, time, null);
  return found;
}

test('the name of a message covers neither a node nor another name', () => {
  expect(namesAt(2000)).toHaveLength(2);
  const names = namesAt(1001);
  const [x, y] = layout.places.get(1) ?? [0, 0];
  for (const name of names) {
    expect(Math.abs(name[0] - x) > 40 || Math.abs(name[1] - y) > 20).toBe(true);
  }
  expect(new Set(names.map(String)).size).toBe(names.length);
});

test('an empty text is not silence', () => {
  expect(fieldsOf({ type: 'Compare', path: '', digests: [1, 2] })).toBe(
    'path "", digests 2'
  );
});

test('the place of the pointer is a moment', () => {
  const span = spanAround(5000, 4000, 8000);
  expect(span).toEqual({ from: 2200, to: 6200 });
  expect(spanAround(100, 4000, 8000)).toEqual({ from: 0, to: 4000 });
  expect(timeAtX(64, 474, span)).toBe(2200);
  expect(timeAtX(464, 474, span)).toBe(6200);
});

test('the saved picture is an SVG that leads nowhere', () => {
  const file = svgFile(
    readInk(document.body),
    timeline,
    { time: 4000, step: 3, seen: 8000, span: { from: 0, to: 8000 } },
    'Raft <five>',
    'S1 leads & rules.'
  );
  const root = new DOMParser().parseFromString(file, 'image/svg+xml');
  expect(root.querySelector('parsererror')).toBeNull();
  expect(root.querySelector('title')?.textContent).toBe('Raft <five>');
  expect(root.querySelectorAll('text').length).toBeGreaterThan(5);
  expect(file).not.toMatch(/href|<script|url\(/);
});

test('a pen escapes what it writes', () => {
  const pen = new SvgPen(10, 10, 'a"b');
  pen.text([1, 1], '<b>&', { fill: '"red"', size: 9 });
  const file = pen.finish('t', 'd');
  expect(file).toContain('&lt;b&gt;&amp;');
  expect(file).not.toContain('<b>');
});

test('a saved page cannot be broken out of', () => {
  const page = htmlFile(
    { script: 'export default "</script>"', style: 'a{}</style>' },
    'A <b> & c',
    { title: '</script><script>alert(1)</script>' },
    { branches: [] }
  );
  expect(page.match(/<\/script>/g)).toHaveLength(3);
  expect(page.match(/<\/style>/g)).toHaveLength(2);
  expect(page).toContain('<title>A &lt;b> &amp; c</title>');
});
