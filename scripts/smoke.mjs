// Loads every entry point of the nestjs-jobs that the current folder resolves, by plain `import` and by plain `require`,
// each in a process of its own: a test runner's loader hides circular imports, and a first entry point those of the next.
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';

const NAME = 'nestjs-jobs';
const node = promisify(execFile);
const require = createRequire(join(process.cwd(), 'here.js'));

const manifest = /** @type {{ exports: object }} */ (
  JSON.parse(await readFile(require.resolve(`${NAME}/package.json`), 'utf8'))
);
const entries = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => NAME + path.slice(1));

const listed = `if (Object.keys(entry).length === 0) throw new Error('exports nothing')`;
for (const entry of entries) {
  const name = JSON.stringify(entry);
  await node(process.execPath, ['--input-type=module', '-e', `const entry = await import(${name}); ${listed}`], {
    timeout: 20_000,
  });
  await node(process.execPath, ['--input-type=commonjs', '-e', `const entry = require(${name}); ${listed}`], {
    timeout: 20_000,
  });
  console.log(`${entry}: import and require work on Node ${process.versions.node}`);
}
