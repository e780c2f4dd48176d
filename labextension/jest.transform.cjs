// TypeScript to CommonJS by the bundler that also builds the widget; types are checked by tsc.
const { transformSync } = require('esbuild');

module.exports = {
  process: (source, path) => {
    if (/\.(svg|css)$/.test(path)) {
      return { code: `module.exports = ${JSON.stringify(source)};` };
    }
    return transformSync(source, {
      loader: path.endsWith('.tsx')
        ? 'tsx'
        : path.endsWith('.ts')
          ? 'ts'
          : 'js',
      format: 'cjs',
      target: 'node22',
      supported: { 'dynamic-import': false }, // Jest has none
      jsx: 'automatic',
      jsxImportSource: 'preact',
      sourcemap: 'inline',
      sourcefile: path
    });
  }
};
