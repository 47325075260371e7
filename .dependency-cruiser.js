/**
 * The directions of the house (README.md, "The house"): a file imports only from its left, and each package has one
 * owner folder, so that replacing one stays one folder's work.
 */
const layers = [
  '^src/(errors|config|logger|memoized)[.]ts$',
  '^src/(models|security|db|validation)/',
  '^src/events/',
  '^src/(changes|reads)/',
  '^src/rpc/',
  '^src/grpc/',
  '^src/(bin/|service[.]ts$|http[.]ts$|housekeeping[.]ts$|jobs[.]ts$|metrics[.]ts$)',
];

const directions = layers.slice(0, -1).map((layer, index) => ({
  name: `direction-${String(index + 1)}`,
  comment:
    'errors, config, logger <- models, security, db, validation <- events <- changes, reads <- rpc <- grpc <- bin',
  severity: 'error',
  from: { path: layer },
  to: { path: layers.slice(index + 1), dependencyTypesNot: ['type-only'] },
}));

const owners = [
  { name: 'grpc', packages: '@grpc/grpc-js|grpc-health-check', owner: '^src/(grpc|gen)/' },
  { name: 'kafkajs', packages: 'kafkajs', owner: '^src/events/kafka(js-mends)?[.]ts$' },
  { name: 'secrets', packages: '(@types/)?(bcrypt|jsonwebtoken)', owner: '^src/security/' },
  { name: 'knex', packages: 'knex', owner: '^src/db/' },
  { name: 'objection', packages: 'objection', owner: '^src/models/' },
].map(({ name, packages, owner }) => ({
  name: `owner-${name}`,
  comment: `Only ${owner} may use this package; its types may be named elsewhere.`,
  severity: 'error',
  from: { path: '^src/', pathNot: owner },
  to: { path: `node_modules/(${packages})/`, dependencyTypesNot: ['type-only'] },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    ...directions,
    ...owners,
    {
      name: 'context-is-types',
      comment: 'context.ts names what a call may use; it joins types only.',
      severity: 'error',
      from: { path: '^src/context[.]ts$' },
      to: { dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'product-stands-alone',
      comment: 'src is what is shipped; dev, test and bench are not.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(dev|test|bench|examples)/' },
    },
    {
      name: 'no-dev-dependency-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/gen/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'], pathNot: 'node_modules/@types/' },
    },
    {
      name: 'rpc-never-imports-rpc',
      comment: 'What two rpcs share belongs to validation, changes or reads. services.ts is the table that lists them.',
      severity: 'error',
      from: { path: '^src/rpc/[^/]+/' },
      to: { path: '^src/rpc/[^/]+/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: '^src/gen/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'not-resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
