// `npm test`: every check of the house in order; the first that fails ends it. `npm test -- lint types` runs those alone.
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.mjs';
import { inTemporaryFolder } from './temporary-folder.mjs';

/** @typedef {[name: string, line: string]} Step */

/**
 * In order; those of one line at the same time, for each of them leaves a part of the machine idle.
 *
 * @type {Step[][]}
 */
const STEPS = [
  [
    ['format', 'prettier --check .'],
    ['types', 'tsc --noEmit && tsc -p scripts'],
  ],
  [['build', 'npm run build']],
  // After the build, for the sample application's types are those of the built package.
  [['lint', 'npm run lint']],
  [['smoke', 'node scripts/smoke.mjs']],
  [['lib', 'vitest run --project lib']],
  [['sample-app', 'vitest run --project sample-app']],
  [
    ['package', 'vitest run --project package'],
    // A smoke: an application's life from its boot to its end, the notices of directories, and every meaning in memory.
    [
      'newer-node',
      'node scripts/on-newer-node.mjs test/nest/jobs test/nest/closing.spec test/nest/process-end test/nest/results test/nest/scheduling test/backends/filer/notices test/backends/memory.spec',
    ],
    // In a copy: all that imports Nest, and every meaning on both backends that need no server.
    [
      'nest-11',
      'node scripts/on-nest-11.mjs test/nest test/testing test/terminus sample-app/test test/backends/memory.spec test/backends/filer.spec',
    ],
  ],
];

const wanted = process.argv.slice(2);
const names = STEPS.flat().map(([name]) => name);
const unknown = wanted.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`no step ${unknown.join(', ')}; there are ${names.join(', ')}`);
  process.exit(1);
}

await inTemporaryFolder('reports', async (reports) => {
  const env = { ...process.env, VITEST_REPORTS: reports };
  for (const beside of STEPS) {
    const meant = beside.filter(([name]) => wanted.length === 0 || wanted.includes(name));
    const passed = await Promise.all(meant.map((step) => passes(step, env)));
    if (!passed.every(Boolean)) {
      process.exitCode = 1;
      break;
    }
  }
  await summarize(reports);
});

/**
 * @param {Step} step
 * @param {NodeJS.ProcessEnv} env
 */
async function passes([name, line], env) {
  console.log(`\n── ${name}`);
  const start = performance.now();
  const error = await run(line, { env }).catch((/** @type {Error} */ reason) => reason);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  console.log(`── ${name} ${error ? 'FAILED' : 'passed'} after ${seconds} s`);
  if (error) console.error(error.message);
  return !error;
}

/** @typedef {{ status: string, fullName: string }} Assertion */
/** @typedef {{ numPassedTests: number, numFailedTests: number, testResults: { assertionResults: Assertion[] }[] }} Report */

/**
 * What vitest counted in all its runs; a step that failed without a failed test counts as one.
 *
 * @param {string} reports
 */
async function summarize(reports) {
  let passed = 0;
  let failed = 0;
  for (const file of await readdir(reports)) {
    const report = /** @type {Report} */ (JSON.parse(await readFile(join(reports, file), 'utf8')));
    passed += report.numPassedTests;
    failed += report.numFailedTests;
    for (const { status, fullName } of report.testResults.flatMap((result) => result.assertionResults)) {
      if (status !== 'passed' && status !== 'failed') console.log(`${status}: ${fullName}`);
    }
  }
  if (process.exitCode && failed === 0) failed = 1;
  console.log(`\n${passed} passed, ${failed} failed`);
}
