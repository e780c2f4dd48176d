import { LiveChart } from '../../src/charts/livechart';
import type { ChartData } from '../../src/charts/ring';

test('a chart has a name before anything is drawn', () => {
  const chart = new LiveChart({
    title: 'CPU',
    series: [{ label: 'db', tone: 1 }],
    format: String,
    formatTick: String,
    formatX: String
  });
  const plot = chart.element.querySelector('[role=img]');
  expect(plot?.getAttribute('aria-label')).toBe('CPU: no data yet');
  chart.tell([0.5]);
  expect(plot?.getAttribute('aria-label')).toContain('CPU, latest: db 0.5');
  chart.dispose();
});

/** A canvas that counts the dots drawn on it. */
function countsDots(): () => number {
  let dots = 0;
  class Path {
    moveTo(): void {
      // no matter
    }
    lineTo(): void {
      // no matter
    }
    rect(): void {
      // no matter
    }
    arc(): void {
      dots += 1;
    }
  }
  Object.assign(globalThis, { Path2D: Path });
  const context = new Proxy(
    {},
    { get: () => () => ({ width: 10 }), set: () => true }
  );
  jest
    .spyOn(HTMLCanvasElement.prototype, 'getContext')
    .mockReturnValue(context as never);
  jest.spyOn(Element.prototype, 'clientWidth', 'get').mockReturnValue(300);
  return () => dots;
}

test.each([
  ['nothing', [], 0],
  ['one second', [5], 1],
  ['what lies between holes', [5, null, 6, null, null, 7], 3],
  ['a line, which needs none', [5, 6, null, 7, 8], 0],
  ['a line and an end apart', [5, 6, null, 7], 1]
])('%s has dots where no line leads', (_, values, dots) => {
  const drawn = countsDots();
  const chart = new LiveChart({
    title: 'p95',
    series: [{ label: 'list', tone: 1 }],
    format: String,
    formatTick: String,
    formatX: String
  });
  document.body.append(chart.element);
  chart.setData([values.map((_value, second) => second), values], [0, 10]);
  chart.setData([values.map((_value, second) => second), values], [0, 10]);
  const before = drawn();
  chart.setData([values.map((_value, second) => second), values], [0, 10]);
  expect(drawn() - before).toBe(dots);
  chart.dispose();
});

test('the longest label of an axis is not cut off', () => {
  const left = new Map<string, number>();
  const context = new Proxy(
    {},
    {
      get: (_, name) =>
        name === 'fillText'
          ? (text: string, x: number) => left.set(text, x)
          : () => ({ width: 10 }),
      set: () => true
    }
  );
  jest
    .spyOn(HTMLCanvasElement.prototype, 'getContext')
    .mockReturnValue(context as never);
  jest.spyOn(Element.prototype, 'clientWidth', 'get').mockReturnValue(300);
  const chart = new LiveChart({
    title: 'p95',
    series: [{ label: 'list', tone: 1 }],
    format: String,
    formatTick: value => `${value.toLocaleString('en-US')} s`,
    formatX: String
  });
  document.body.append(chart.element);
  const data: ChartData = [
    [0, 1],
    [0, 120_000]
  ];
  chart.setData(data, [0, 10]);
  chart.setData(data, [0, 10]);
  // It ends there, and a digit is 7 px wide.
  expect(left.get('100,000 s')).toBeGreaterThan(55);
  chart.dispose();
});
