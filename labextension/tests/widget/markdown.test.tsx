import { render } from 'preact';
import { Markdown } from '../../src/widget/markdown';

function html(text: string): string {
  const el = document.createElement('div');
  render(<Markdown text={text} />, el);
  return el.firstElementChild?.innerHTML ?? '';
}

test.each([
  ['one\ntwo\n\nthree', '<p>one\ntwo</p><p>three</p>'],
  [
    '**b** and *i* and `c*d*`',
    '<p><strong>b</strong> and <em>i</em> and <code>c*d*</code></p>'
  ],
  ['snake_case_name _really_', '<p>snake_case_name <em>really</em></p>'],
  ['2 * 3 * 4', '<p>2 * 3 * 4</p>'],
  ['- a\n- b\n  more', '<ul><li>a</li><li>b\nmore</li></ul>'],
  ['1. a\n2. `b`', '<ol><li>a</li><li><code>b</code></li></ol>'],
  [
    'x\n```sql\nSELECT *\n```\ny',
    '<p>x</p><pre class="sd-pre">SELECT *</pre><p>y</p>'
  ],
  [
    '[docs](https://www.postgresql.org/docs)',
    '<p><a href="https://www.postgresql.org/docs" target="_blank" rel="noopener noreferrer">docs</a></p>'
  ]
])('%j', (text, expected) => {
  expect(html(text)).toBe(expected);
});

test('nothing in it runs', () => {
  const made = html('<img src=x onerror=alert(1)> [x](javascript:alert(1))');
  expect(made).not.toContain('<img');
  expect(made).not.toContain('href');
});
