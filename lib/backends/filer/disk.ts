import type { Dir, Stats } from 'node:fs';

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
  /** Makes a file that must not exist, and need not be synced, of a text. Node does that in one call. */
  write(path: string, text: string): void;
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
  /**
   * The text of a file of any size; undefined where it is none, for whatever reason: `open` tells which. It costs least,
   * for Node does it in one call.
   */
  readText(path: string): string | undefined;
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
