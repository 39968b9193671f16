// The architecture, as rules on imports. Each has a seeded violation in test/toolchain/architecture.test.ts that must fail.

/** Files that run in a child process of their own and may therefore load native code. */
const host = '\\.host\\.ts$|/host/';

/** Packages whose code is native: a crash of theirs takes the process along. */
const addons = '(^|node_modules/)(gstreamer-superficial|better-sqlite3|node-datachannel)(/|$)';

/** Imported to know a type is no dependency at run time. */
const atRunTime = { dependencyTypesNot: ['type-only'] };

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'model-imports-nothing',
      comment: 'core/model holds the words of the domain as types: no I/O, no dependency.',
      severity: 'error',
      from: { path: '^core/model/' },
      to: { pathNot: '^core/model/' },
    },
    {
      name: 'media-imports-model-only',
      comment: 'core/media holds pure formats: no I/O, so that each can be tested with bytes alone. Buffer is bytes.',
      severity: 'error',
      from: { path: '^core/media/' },
      to: { pathNot: '^core/(media|model)/|^buffer$' },
    },
    {
      name: 'core-imports-no-plugin',
      comment: 'The engine finds plugins by manifest; one that it imports could not be left out or replaced.',
      severity: 'error',
      from: { path: '^core/' },
      to: { path: '^plugins/' },
    },
    {
      name: 'plugin-imports-public-face',
      comment: 'Our own plugins get no more than anyone else: eddy/plugin and eddy/media.',
      severity: 'error',
      from: { path: '^plugins/' },
      to: { path: '^(core|scripts|test)/', pathNot: '^core/(plugin|media)/index\\.ts$' },
    },
    {
      name: 'plugin-imports-no-other-plugin',
      comment: 'Plugins meet through pads and contracts. What a family has in common is in its shared/.',
      severity: 'error',
      from: { path: '^plugins/([^/]+)/([^/]+)/' },
      to: { path: '^plugins/', pathNot: '^plugins/$1/($2|shared)/' },
    },
    {
      name: 'manifest-imports-nothing-heavy',
      comment: 'validate, list and schema read every plugin.ts, also where its packages are not installed.',
      severity: 'error',
      from: { path: '^plugins/[^/]+/[^/]+/plugin\\.ts$' },
      to: {
        dependencyTypes: ['npm', 'npm-dev', 'npm-peer', 'npm-optional', 'npm-no-pkg', 'core'],
        dynamic: false,
        ...atRunTime,
      },
    },
    {
      name: 'native-addons-only-in-hosts',
      comment: 'Native code dies alone: only files that run as a child process (*.host.ts, host/) load it.',
      severity: 'error',
      from: { path: '^(core|plugins)/', pathNot: host },
      to: { path: addons, ...atRunTime },
    },
    {
      name: 'hosts-are-started-not-imported',
      comment: 'Importing a host would load its native code into the engine.',
      severity: 'error',
      from: { path: '^(core|plugins)/', pathNot: host },
      to: { path: host, ...atRunTime },
    },
    {
      name: 'mediasoup-only-in-webrtc',
      comment: 'The SFU is reached through the RtpRouters contract by everyone else.',
      severity: 'error',
      from: { path: '^(core|plugins)/', pathNot: '^plugins/webrtc/' },
      to: { path: '^node_modules/mediasoup/' },
    },
    {
      name: 'tsyringe-only-in-container',
      comment: 'The composition root is one file, so that the container can be exchanged there.',
      severity: 'error',
      from: { path: '^(core|plugins)/', pathNot: '^core/engine/container\\.ts$' },
      to: { path: '^node_modules/(tsyringe|reflect-metadata)/' },
    },
    {
      name: 'no-development-packages',
      comment: 'What runs for a user must be among the dependencies.',
      severity: 'error',
      from: { path: '^(core|plugins)/', pathNot: '^plugins/web/[^/]+/client/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
    {
      name: 'no-cycles',
      comment: 'Two modules that need each other while they load are one module, and load in an order nobody chose.',
      severity: 'error',
      from: { path: '^(core|plugins)/' },
      // A manifest's lazy import of its code is no cycle: by then everything is loaded.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'no-unresolvable',
      comment: 'An import that leads nowhere.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|node_modules/\\.cache)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['eddy-source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.mjs', '.js', '.json', '.node'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
