import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  fsync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  opendirSync,
  readSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  type Dir,
  type Stats,
} from 'node:fs';
import { promisify } from 'node:util';

/**
 * Every operation of the filer on files, and nothing else touches them: what a power cut can do to the filer is tested
 * by recording these. They are synchronous, for a promise costs more than the call; syncs leave the event loop's thread.
 *
 * File names are byte strings (one character a byte, as `latin1`), for a foreign name need not be UTF-8.
 */
export interface Disk {
  /** Makes a directory, mode 0700, where there is none. */
  makeDirectory(path: string): void;
  /** Throws where the directory can't be read, written and searched. */
  checkDirectory(path: string): void;
  /** Makes a file that must not exist, and writes it. Gives its descriptor. */
  create(path: string, bytes: Uint8Array): number;
  syncFile(descriptor: number): Promise<void>;
  closeFile(descriptor: number): void;
  syncDirectory(path: string): Promise<void>;
  rename(from: string, to: string): void;
  link(from: string, to: string): void;
  unlink(path: string): void;
  /** Makes a symbolic link that must not exist, of any text: in one step, unlike a file and its bytes. */
  symlink(text: string, path: string): void;
  /** The text of a symbolic link. */
  readLink(path: string): string;
  /** Opens a regular file; undefined where it is something else. Never follows a link, never waits for a FIFO. */
  open(path: string): OpenFile | undefined;
  /**
   * The bytes of a small file, valid until the next call; undefined where it is none, for whatever reason: `open` tells
   * which. It asks the system less, and every job is read so.
   */
  readSmall(path: string): Uint8Array | undefined;
  list(path: string): Dir;
  stat(path: string): Stats;
  /** Sets the change time to now, the modification time to `modifiedMs`. */
  touch(path: string, modifiedMs: number): void;
  /** Frees what it keeps open. */
  close(): void;
}

export interface OpenFile {
  readonly size: number;
  /** Milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Reads it whole and closes it. */
  read(): Buffer;
  close(): void;
}

/** Whether an error of a file operation has one of the codes. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes((error as { code?: string } | undefined)?.code ?? '');
}

/** Whether a file operation failed because this process may not do it. */
export function isForbidden(error: unknown): boolean {
  return hasCode(error, 'EACCES', 'EPERM');
}

/** Whether a file operation failed for want of something that any file would need. */
export function isLacking(error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENFILE', 'ENOMEM');
}

/** Whether there is anything at a path. */
export function exists(disk: Disk, path: string): boolean {
  return statIfThere(disk, path) !== undefined;
}

/** What is known of a file; undefined where there is none. */
export function statIfThere(disk: Disk, path: string): Stats | undefined {
  try {
    return disk.stat(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Whether there is a regular file at a path: no link, no directory. */
export function isFile(disk: Disk, path: string): boolean {
  return statIfThere(disk, path)?.isFile() ?? false;
}

/** Removes a file; false where there is none. */
export function unlinkIfThere(disk: Disk, path: string): boolean {
  try {
    disk.unlink(path);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** A path as the system takes it: byte by byte where a name is not ASCII. */
export function bytesOf(path: string): string | Buffer {
  return /[\x80-\xff]/.test(path) ? Buffer.from(path, 'latin1') : path;
}

const fsyncOffThread = promisify(fsync);
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Most messages are smaller. In bytes. */
const SMALL = 16_384;

/** The disk itself. */
export class RealDisk implements Disk {
  /** Directories are synced all the time, so they stay open. */
  private readonly directories = new Map<string, number>();
  private readonly small = Buffer.allocUnsafeSlow(SMALL);

  makeDirectory(path: string): void {
    mkdirSync(bytesOf(path), { recursive: true, mode: 0o700 });
  }

  checkDirectory(path: string): void {
    accessSync(bytesOf(path), constants.R_OK | constants.W_OK | constants.X_OK);
  }

  create(path: string, bytes: Uint8Array): number {
    const file = bytesOf(path);
    const descriptor = openSync(file, CREATE, 0o600);
    try {
      for (let written = 0; written < bytes.length;) written += writeSync(descriptor, bytes, written);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      unlinkSync(file);
      throw error;
    }
  }

  syncFile(descriptor: number): Promise<void> {
    return fsyncOffThread(descriptor);
  }

  closeFile(descriptor: number): void {
    closeSync(descriptor);
  }

  async syncDirectory(path: string): Promise<void> {
    await fsyncOffThread(this.directory(path));
  }

  rename(from: string, to: string): void {
    renameSync(bytesOf(from), bytesOf(to));
  }

  link(from: string, to: string): void {
    linkSync(bytesOf(from), bytesOf(to));
  }

  unlink(path: string): void {
    unlinkSync(bytesOf(path));
  }

  symlink(text: string, path: string): void {
    symlinkSync(text, bytesOf(path));
  }

  readLink(path: string): string {
    return readlinkSync(bytesOf(path));
  }

  open(path: string): OpenFile | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(bytesOf(path), OPEN);
    } catch (error) {
      // What O_NOFOLLOW says of a link, and the system of a socket.
      if (hasCode(error, 'ELOOP', 'EMLINK', 'ENXIO')) return undefined;
      throw error;
    }
    const close = (): void => closeSync(descriptor);
    const { size, mtimeMs, mode } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
      close();
      return undefined;
    }
    const read = (): Buffer => {
      try {
        return readWhole(descriptor, size);
      } finally {
        close();
      }
    };
    return { size, modifiedMs: mtimeMs, read, close };
  }

  readSmall(path: string): Uint8Array | undefined {
    let descriptor: number | undefined;
    try {
      descriptor = openSync(bytesOf(path), OPEN);
      // Of a directory this throws, and of a FIFO it gives nothing.
      const length = readSync(descriptor, this.small, 0, SMALL, null);
      return length > 0 && length < SMALL ? this.small.subarray(0, length) : undefined;
    } catch {
      return undefined;
    } finally {
      if (descriptor !== undefined) closeSync(descriptor);
    }
  }

  list(path: string): Dir {
    return opendirSync(bytesOf(path), { encoding: 'latin1', bufferSize: 512 });
  }

  stat(path: string): Stats {
    return lstatSync(bytesOf(path));
  }

  touch(path: string, modifiedMs: number): void {
    utimesSync(bytesOf(path), Date.now() / 1000, modifiedMs / 1000);
  }

  close(): void {
    for (const descriptor of this.directories.values()) closeSync(descriptor);
    this.directories.clear();
  }

  /** The descriptor of the directory that is there now: the one opened before may have been removed or moved away. */
  private directory(path: string): number {
    const kept = this.directories.get(path);
    if (kept !== undefined) {
      const [before, now] = [fstatSync(kept), statSync(bytesOf(path))];
      if (before.ino === now.ino && before.dev === now.dev) return kept;
      this.directories.delete(path);
      closeSync(kept);
    }
    const descriptor = openSync(bytesOf(path), constants.O_RDONLY | constants.O_DIRECTORY);
    this.directories.set(path, descriptor);
    return descriptor;
  }
}

function readWhole(descriptor: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let length = 0;
  while (length < size) {
    const read = readSync(descriptor, bytes, length, size - length, null);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}
