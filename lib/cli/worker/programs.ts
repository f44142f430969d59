import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';

/**
 * Where a command's program is: by its path, from the folder of the configuration, or by its name, in the folders of PATH.
 *
 * @throws TypeError where it is nowhere, or no program
 */
export function findProgram(program: string, directory: string, path = process.env['PATH'] ?? ''): string {
  if (program.includes('/')) {
    const file = resolve(directory, program);
    if (isProgram(file)) return file;
    throw new TypeError(`expected a program, got ${program}, and ${file} is none`);
  }
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const found = folders.map((folder) => join(folder, program)).find(isProgram);
  if (found) return found;
  throw new TypeError(`expected a program, got ${program}, and none of PATH has that name`);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
