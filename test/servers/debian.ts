import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Test files look for the same servers at the same time, and apt refuses to be run twice. */
const ONE_AT_A_TIME = join(tmpdir(), 'nestjs-jobs-apt.lock');
const APT = 'apt-get -o DPkg::Lock::Timeout=120';

/**
 * Finds a program; installs its Debian package where it is missing and this is root. Resolves with its name or path.
 *
 * @param asked what it is asked with whether it is there; it ends by itself with that
 */
export async function debianProgram(program: string, packageName: string, asked = '--version'): Promise<string> {
  const found = await find(program, asked);
  if (found) return found;
  const line = `${APT} update && ${APT} install -y --no-install-recommends ${packageName}`;
  if (process.getuid?.() !== 0) throw new Error(`${program} is missing. Install it as root: ${line}`);
  try {
    await run('flock', [ONE_AT_A_TIME, 'sh', '-c', line], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  } catch (cause) {
    throw new Error(`${program} is missing, and this failed: ${line}`, { cause });
  }
  const installed = await find(program, asked);
  if (installed) return installed;
  throw new Error(`${program} is missing, though this worked: ${line}`);
}

/** Also where servers are put on systems whose PATH leaves that out. */
async function find(program: string, asked: string): Promise<string | undefined> {
  for (const path of [program, `/usr/bin/${program}`, `/usr/sbin/${program}`, `/usr/local/bin/${program}`]) {
    const isThere = await run(path, [asked]).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}
