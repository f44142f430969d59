import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { SlowFirst } from './test/slow-first.js';

/** Where `npm test` collects what each run counted. */
const reports = process.env['VITEST_REPORTS'];

const lib = (file: string): string => fileURLToPath(new URL(`./lib/${file}`, import.meta.url));

export default defineConfig({
  resolve: {
    alias: [
      { find: /^nestjs-jobs$/, replacement: lib('index.ts') },
      { find: /^nestjs-jobs\/(conformance|opentelemetry|terminus|testing)$/, replacement: lib('$1/index.ts') },
      { find: /^nestjs-jobs\/testing\/jest-globals$/, replacement: lib('testing/jest-globals.ts') },
      { find: /^nestjs-jobs\/(filer|memory|bullmq|beanstalkd)$/, replacement: lib('backends/$1/index.ts') },
    ],
  },
  test: {
    reporters: reports ? ['default', ['json', { outputFile: `${reports}/${process.pid}.json` }]] : ['default'],
    // Forks, for tests send signals, change the working directory and count open handles.
    pool: 'forks',
    // Most of the time they wait for leases, servers and processes: five files at a time also where there are but two cores.
    maxWorkers: 5,
    sequence: { sequencer: SlowFirst },
    // So long that only what hangs runs into them, on a busy machine too.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'lib',
          include: ['test/**/*.spec.ts', 'test/**/*.e2e-spec.ts'],
          exclude: ['test/package/**'],
          globalSetup: ['test/compiled-folder.ts'],
        },
      },
      {
        // Without the aliases: the sample application's own tests take the package as a stranger would, from its build.
        test: {
          name: 'sample-app',
          include: ['sample-app/test/**/*.spec.ts'],
          globalSetup: ['sample-app/test/own-environment.ts'],
          server: { deps: { external: [/\/dist\//] } },
          pool: 'forks',
          testTimeout: 20_000,
          isolate: false,
          fileParallelism: false,
          // After the others where both are run: they don't share their workers.
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/package/*.spec.ts'],
          globalSetup: ['test/package/pack.ts'],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
