// Builds the anywidget module, or with --harness the page for looking at every view.
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '../jupyter_sysdesign/notebook/static');

const common = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: ['es2022', 'chrome109', 'firefox115', 'safari16.4'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'warning'
};

if (process.argv.includes('--harness')) {
  await build({
    ...common,
    entryPoints: {
      harness: 'harness/harness.tsx',
      widget: 'style/widget.css',
      dashboard: 'style/dashboard.css'
    },
    outdir: 'lib/harness',
    sourcemap: 'inline'
  });
} else {
  await build({
    ...common,
    entryPoints: { widget: 'src/widget/index.tsx' },
    outdir: out,
    minify: true,
    legalComments: 'none'
  });
  await build({
    ...common,
    entryPoints: { widget: 'style/widget.css' },
    outdir: out,
    minify: true
  });
  const notices = await Promise.all(
    ['uplot', 'preact'].map(async name => {
      const text = await readFile(
        join(here, 'node_modules', name, 'LICENSE'),
        'utf8'
      );
      return `${name}\n\n${text.trim()}\n`;
    })
  );
  await writeFile(join(out, 'THIRD_PARTY.txt'), notices.join('\n---\n\n'));
}
