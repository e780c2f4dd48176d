import { LiveChart } from '../../src/charts/livechart';

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
