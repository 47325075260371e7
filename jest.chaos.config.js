const { transform } = require('./jest.config.js');

/** The tests under faults start their own back ends, durable ones; nothing of the other tests' set-up fits. */
/** @type {import('jest').Config} */
module.exports = {
  rootDir: '.',
  testMatch: ['<rootDir>/test/chaos/**/*.test.ts'],
  transform,
  testEnvironment: 'node',
  maxWorkers: 1,
  testTimeout: 60_000,
};
