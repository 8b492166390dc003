// The house rules that a machine can check: the walls between the rooms, no ambient time, chance or process, strict types.
import erasable from 'eslint-plugin-erasable-syntax-only';
import path from 'node:path';
import tseslint from 'typescript-eslint';

const root = path.resolve(import.meta.dirname, '../..');
const rooms = ['baremetal', 'images', 'overcloud', 'host'];

/** What code outside the composition root, the clock and the adapters gets passed instead of reaching for. */
const ambient = [
  { selector: "MemberExpression[object.name='Date'][property.name='now']", message: 'Take a Clock.' },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: 'Take a Clock.' },
  { selector: "MemberExpression[object.name='Math'][property.name='random']", message: 'Take `random`.' },
  { selector: "MemberExpression[object.name='performance'][property.name='now']", message: 'Take a Clock.' },
];
const ambientGlobals = ['setTimeout', 'setInterval', 'fetch', 'process', 'console'];

/** Files that are the outside world: they may do I/O with Node's and libraries' own calls. */
const adapters = [
  'src/main.ts',
  'src/config.ts',
  'src/kernel/{clock,logging,http-server,health,process}.ts',
  'src/kube/**',
  'src/baremetal/bmc/**',
  'src/baremetal/agent/{certificate,client,desk,server}.ts',
  'src/baremetal/boot/{network-data,ssh-keys}.ts',
  'src/baremetal/boot/listener.ts',
  'src/cli/{main,start}.ts',
  'src/cli/outside/**',
  'src/media/**',
  'src/images/registry/**',
  'src/host/session/**',
  'src/host/containers/**',
];
const ioModules = [
  'node:fs',
  'node:fs/promises',
  'node:child_process',
  'node:net',
  'node:http',
  'node:https',
  'node:tls',
];
const ioPackages = ['ssh2', 'dockerode', 'undici', '@kubernetes/client-node'];

/** A room may import api/, kube/, kernel/ and itself. */
const wall = (room) => ({
  files: [`src/${room}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `(^|/)\\.\\./(${rooms.filter((other) => other !== room).join('|')})/`,
            message: 'Rooms talk only through Kubernetes objects.',
          },
          { regex: '/(main|config)\\.ts$', message: 'Nothing imports the composition root.' },
        ],
      },
    ],
  },
});

/** Programs of their own: they know the foundation, and no room. */
const program = (name) => ({
  files: [`src/${name}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          {
            regex: `(^|/)\\.\\./(${rooms.join('|')})/`,
            message: 'This program knows the foundation only.',
          },
        ],
      },
    ],
  },
});

/** api/, kube/ and kernel/ are below the rooms and know none of them. */
const foundation = {
  files: ['src/{api,kube,kernel}/**/*.ts'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: `/(${rooms.join('|')})/`, message: 'The foundation knows no room.' },
          { regex: '/(main|config)\\.ts$', message: 'Nothing imports the composition root.' },
        ],
      },
    ],
  },
};

export default tseslint.config(
  {
    ignores: ['**/node_modules/**', '**/dist/**', '**/coverage/**', 'hack/lint/**', '**/*.gen.ts', '**/*.js'],
  },
  ...tseslint.configs.strictTypeChecked,
  ...tseslint.configs.stylisticTypeChecked,
  {
    files: ['**/*.ts'],
    plugins: { 'erasable-syntax-only': erasable },
    languageOptions: { parserOptions: { project: path.join(root, 'tsconfig.json'), tsconfigRootDir: root } },
    rules: {
      ...erasable.configs.recommended.rules,
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/only-throw-error': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Interfaces are records of closures here: nothing has a `this` to lose.
      '@typescript-eslint/unbound-method': 'off',
      complexity: ['error', 15],
      'max-depth': ['error', 3],
      'max-lines': ['error', { max: 400 }],
      'max-lines-per-function': ['error', { max: 70 }],
      'max-params': ['error', 5],
    },
  },
  foundation,
  ...rooms.map(wall),
  ...['cli', 'media'].map(program),
  {
    files: ['src/**/*.ts'],
    ignores: adapters,
    rules: {
      'no-restricted-syntax': ['error', ...ambient],
      'no-restricted-globals': ['error', ...ambientGlobals.map((name) => ({ name, message: 'Pass it in.' }))],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [...ioModules, ...ioPackages].map((name) => ({
            name,
            message: 'Only adapters do I/O.',
            allowTypeImports: true,
          })),
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'hack/**/*.ts'],
    rules: { 'max-lines-per-function': 'off', '@typescript-eslint/no-unused-expressions': 'off' },
  },
);
