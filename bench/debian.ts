import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Finds a program; installs its Debian package where it is missing and this is root. Resolves with its name. */
export async function debianProgram(program: string, packageName: string): Promise<string> {
  if (await isThere(program)) return program;
  const line = `apt-get update && apt-get install -y --no-install-recommends ${packageName}`;
  if (process.getuid?.() !== 0) throw new Error(`${program} is missing. Install it as root: ${line}`);
  await run('sh', ['-c', line], { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  if (await isThere(program)) return program;
  throw new Error(`${program} is missing, though this worked: ${line}`);
}

function isThere(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}
