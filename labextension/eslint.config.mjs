import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import { defineConfig, globalIgnores } from 'eslint/config';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default defineConfig([
  globalIgnores(['lib', 'src/api/schema.ts']),
  js.configs.recommended,
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      globals: globals.browser,
      parserOptions: {
        project: 'tsconfig.check.json',
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      // Numbers in a template literal are what a formatter is made of.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true }
      ],
      // A Lumino signal is given a method and its `this` one after the other.
      '@typescript-eslint/unbound-method': 'off',
      curly: ['error', 'all'],
      // null and undefined mean the same to us: the API leaves out what is null.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'prefer-arrow-callback': 'error'
    }
  },
  {
    plugins: { jupyter }
  },
  jupyter.configs.recommended,
  {
    files: ['harness/**', 'tests/**'],
    rules: {
      'jupyter/no-untranslated-string': 'off',
      '@typescript-eslint/no-extraneous-class': 'off'
    }
  },
  {
    files: ['*.mjs', '*.cjs'],
    languageOptions: { globals: globals.node }
  },
  prettier
]);
