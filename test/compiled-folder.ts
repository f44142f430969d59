import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The variable that names the folder of one run of the tests where compiled sources are. */
export const COMPILED_FOLDER = 'NESTJS_JOBS_COMPILED';

/** Makes it, for all processes of the run; gives what removes it. */
export default function makeCompiledFolder(): () => void {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-jobs-compiled-')));
  process.env[COMPILED_FOLDER] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
