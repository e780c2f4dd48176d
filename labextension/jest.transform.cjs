// TypeScript to CommonJS by the bundler that also builds the widget; types are checked by tsc.
const { transformSync } = require('esbuild');

module.exports = {
  process: (source, path) =>
    transformSync(source, {
      loader: path.endsWith('.tsx')
        ? 'tsx'
        : path.endsWith('.ts')
          ? 'ts'
          : 'js',
      format: 'cjs',
      target: 'node22',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      sourcemap: 'inline',
      sourcefile: path
    })
};
