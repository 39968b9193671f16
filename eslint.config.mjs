// What the compiler cannot see: lost promises first of all, since an unhandled rejection ends the engine.
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'data/**',
      'coverage/**',
      'node_modules/**',
      '.runtime/**',
      '**/fixtures/**',
      'plugins/web/*/client/**',
      'plugins/web/*/dist/**',
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      // Promises: each is awaited, returned, or given up openly with `void`.
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/return-await': ['error', 'in-try-catch'],
      '@typescript-eslint/prefer-promise-reject-errors': 'error',
      // An async method without await is how a synchronous implementation meets an asynchronous contract.
      '@typescript-eslint/require-await': 'off',
      // Types: erased at run time, so imported as types; unions are switched over whole.
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/no-unnecessary-boolean-literal-compare': 'error',
      '@typescript-eslint/no-unused-expressions': ['error', { allowShortCircuit: true, allowTernary: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true },
      ],
      // `keyof T & string` says what it means.
      '@typescript-eslint/no-redundant-type-constituents': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // Plain JavaScript.
      eqeqeq: ['error', 'always'],
      'no-var': 'error',
      'prefer-const': 'error',
      'object-shorthand': 'error',
      'no-console': 'error',
      'no-debugger': 'error',
      'no-else-return': 'error',
      'no-implicit-coercion': ['error', { boolean: false }],
      'no-self-compare': 'error',
      'no-template-curly-in-string': 'off',
      radix: 'off',
      // "A file past about 300 lines is two files." Docstrings and blank lines are not what makes a file long.
      'max-lines': ['error', { max: 300, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // The way in, not only the place (that is the architecture's): a relative path into the core would bypass the public face,
    // and in an installed package load a second copy of it.
    files: ['plugins/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ regex: '^([.]{1,2}/)*core/', message: 'Plugins import eddy/plugin and eddy/media.' }] },
      ],
    },
  },
  {
    // Verbs print for a living.
    files: ['core/cli/**', 'scripts/**', 'test/bench/**', 'test/proof/**'],
    rules: { 'no-console': 'off' },
  },
  {
    // Tests look into parsed JSON, answers of servers and private corners; there a cast proves nothing.
    files: ['test/**'],
    rules: {
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-explicit-any': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      '@typescript-eslint/no-unused-expressions': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      '@typescript-eslint/unbound-method': 'off',
      'max-lines': ['error', { max: 450, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    // Never run: what they declare and cast is for the compiler to judge.
    files: ['test/types/**'],
    rules: { '@typescript-eslint/no-unused-vars': 'off', '@typescript-eslint/no-unnecessary-type-assertion': 'off' },
  },
  {
    // Scripts run before anything is installed or compiled: plain JavaScript, no type information.
    files: ['**/*.mjs', '**/*.js', '**/*.cjs', '*.ts'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { parserOptions: { projectService: false } },
    rules: { '@typescript-eslint/return-await': 'off', 'no-console': 'off' },
  },
);
