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
  readFileSync,
  readSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
  type Dir,
  type Stats,
} from 'node:fs';
import { promisify } from 'node:util';
import { bytesOf, hasCode, unlinkIfThere, type Disk, type OpenFile } from './disk.js';

const fsyncOffThread = promisify(fsync);
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
const OPEN = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** The same for what Node does in one call; it takes numbers as flags, too. */
const WRITE_TEXT = { encoding: 'utf8', flag: 'wx', mode: 0o600 } as const;
const READ_TEXT = { encoding: 'utf8', flag: OPEN as unknown as string } as const;

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

  write(path: string, text: string): void {
    try {
      writeFileSync(bytesOf(path), text, WRITE_TEXT);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) unlinkIfThere(this, path);
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

  readText(path: string): string | undefined {
    try {
      const text = readFileSync(bytesOf(path), READ_TEXT);
      // Stands for bytes that are no text.
      return text === '' || text.includes('\uFFFD') ? undefined : text;
    } catch {
      return undefined;
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
