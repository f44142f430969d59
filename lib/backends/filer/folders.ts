import { BackendError } from '../../core/backend.js';
import { hasCode, type Disk } from './disk.js';

/** The folders of a queue; `.ids` registers ids given by users. */
export const FOLDERS = ['tmp', 'incoming', 'pending', 'errors', 'expired', 'delayed', '.ids'] as const;
export type FolderName = (typeof FOLDERS)[number];

/** Where the files of one queue are. */
export class Folders {
  private readonly paths: Readonly<Record<FolderName, string>>;

  /** @param root the directory of all queues, absolute, as a byte string */
  constructor(
    private readonly root: string,
    queue: string,
    private readonly disk: Disk,
  ) {
    const path = `${root}/${queue}`;
    this.paths = Object.fromEntries(FOLDERS.map((name) => [name, `${path}/${name}`])) as Record<FolderName, string>;
  }

  path(folder: FolderName): string {
    return this.paths[folder];
  }

  file(folder: FolderName, name: string): string {
    return `${this.paths[folder]}/${name}`;
  }

  /**
   * Makes the folders that are missing.
   *
   * @throws BackendError naming the directory that can't be used; also where the root is gone, for what is mounted there
   *   may be missing
   */
  make(): void {
    this.checkRoot();
    for (const path of Object.values(this.paths)) {
      try {
        this.disk.makeDirectory(path);
        this.disk.checkDirectory(path);
      } catch (error) {
        throw unusable(path, error);
      }
    }
  }

  /** Does `act`, and once more where a folder was gone and could be made again. */
  async mend<T>(act: () => T | Promise<T>): Promise<T> {
    try {
      return await act();
    } catch (error) {
      if (!isGone(error)) throw error;
      this.make();
      return act();
    }
  }

  private checkRoot(): void {
    try {
      this.disk.checkDirectory(this.root);
    } catch (error) {
      throw unusable(this.root, error);
    }
  }
}

/** What an error of a file operation means to the user of a directory. */
export function unusable(path: string, error: unknown): BackendError {
  const { code = 'an error', message } = error as NodeJS.ErrnoException;
  const shown = Buffer.from(path, 'latin1').toString('utf8');
  return new BackendError(`filer: ${shown} can't be used: ${ADVICE[code] ?? message} (${code})`, {
    passing: true,
    cause: error,
  });
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'it is missing; make it again, or mount what holds it',
  ENOTDIR: 'it is no directory; choose another, or move the file away',
  EEXIST: 'it is no directory; choose another, or move the file away',
  EACCES: 'this process may not read, write and search it; change its mode or owner',
  EPERM: 'this process may not change it; change its mode or owner',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its file system is full; make room',
  EDQUOT: 'its quota is used up; make room',
  EMFILE: 'this process has too many open files; raise its limit (ulimit -n)',
  ENFILE: 'the system has too many open files',
};

/** A passing fault of the engine, whatever it was; keeps what is one already. */
export function fault(path: string, error: unknown): BackendError {
  return error instanceof BackendError ? error : unusable(path, error);
}

/** Whether a file operation failed because its directory, or the file itself, is gone. */
export function isGone(error: unknown): boolean {
  return hasCode(error, 'ENOENT');
}
