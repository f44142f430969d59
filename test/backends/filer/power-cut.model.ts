import type { Dir, Stats } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Disk, OpenFile } from '../../../lib/backends/filer/disk.js';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';

/** A file that was made, whatever it is called by now. */
export interface Inode {
  readonly bytes: Buffer;
  synced: boolean;
  /** Whether it is a symbolic link: that is there with its text, or not at all. */
  readonly isLink?: boolean;
}

/** One change of directories, and the entries that it touches. */
export interface Change {
  readonly kind: 'create' | 'rename' | 'link' | 'unlink';
  readonly paths: readonly string[];
  readonly inode?: Inode;
  /** Whether a cut can't undo it any more. */
  synced: boolean;
}

/** What has happened, in its order: a change, a file's sync, a directory's sync, or something that was told to a caller. */
export type Event =
  | { readonly kind: 'change'; readonly change: Change }
  | { readonly kind: 'fileSynced'; readonly inode: Inode }
  /** `upTo`: how many events had happened when it began. */
  | { readonly kind: 'directorySynced'; readonly path: string; readonly upTo: number }
  | { readonly kind: 'told'; readonly what: string };

/** Does every operation for real, and keeps a record of it. */
export class RecordingDisk implements Disk {
  readonly events: Event[] = [];
  private readonly real = new RealDisk();
  private readonly open_ = new Map<number, Inode>();

  told(what: string): void {
    this.events.push({ kind: 'told', what });
  }

  makeDirectory(path: string): void {
    this.real.makeDirectory(path);
  }

  checkDirectory(path: string): void {
    this.real.checkDirectory(path);
  }

  create(path: string, bytes: Uint8Array): number {
    const descriptor = this.real.create(path, bytes);
    const inode: Inode = { bytes: Buffer.from(bytes), synced: false };
    this.open_.set(descriptor, inode);
    this.change({ kind: 'create', paths: [path], inode, synced: false });
    return descriptor;
  }

  write(path: string, text: string): void {
    this.real.write(path, text);
    this.change({ kind: 'create', paths: [path], inode: { bytes: Buffer.from(text), synced: false }, synced: false });
  }

  async syncFile(descriptor: number): Promise<void> {
    const inode = this.open_.get(descriptor) as Inode;
    await this.real.syncFile(descriptor);
    this.events.push({ kind: 'fileSynced', inode });
  }

  closeFile(descriptor: number): void {
    this.open_.delete(descriptor);
    this.real.closeFile(descriptor);
  }

  async syncDirectory(path: string): Promise<void> {
    const upTo = this.events.length;
    await this.real.syncDirectory(path);
    this.events.push({ kind: 'directorySynced', path, upTo });
  }

  rename(from: string, to: string): void {
    this.real.rename(from, to);
    this.change({ kind: 'rename', paths: [from, to], synced: false });
  }

  link(from: string, to: string): void {
    this.real.link(from, to);
    this.change({ kind: 'link', paths: [from, to], synced: false });
  }

  unlink(path: string): void {
    this.real.unlink(path);
    this.change({ kind: 'unlink', paths: [path], synced: false });
  }

  symlink(text: string, path: string): void {
    this.real.symlink(text, path);
    this.change({
      kind: 'create',
      paths: [path],
      inode: { bytes: Buffer.from(text), synced: false, isLink: true },
      synced: false,
    });
  }

  readLink(path: string): string {
    return this.real.readLink(path);
  }

  open(path: string): OpenFile | undefined {
    return this.real.open(path);
  }

  readSmall(path: string): Uint8Array | undefined {
    return this.real.readSmall(path);
  }

  readText(path: string): string | undefined {
    return this.real.readText(path);
  }

  list(path: string): Dir {
    return this.real.list(path);
  }

  stat(path: string): Stats {
    return this.real.stat(path);
  }

  touch(path: string, modifiedMs: number): void {
    this.real.touch(path, modifiedMs);
  }

  close(): void {
    this.real.close();
  }

  private change(change: Change): void {
    this.events.push({ kind: 'change', change });
  }
}

/** What may be on the disk after a cut: entries by path, each with the file's bytes and whether they are whole. */
export type Remains = ReadonlyMap<string, Inode>;

/**
 * Every state that a cut after the first `count` events may leave: each change that was not synced is there or not, up
 * to `most` of them missing, where one that touches the entries of a missing one is missing too. A rename is one change:
 * it is never half done, as journaling file systems keep it.
 */
export function* statesAfter(events: readonly Event[], count: number, most: number): Generator<Remains> {
  const happened = events.slice(0, count);
  const { changes, inodes } = replay(happened);
  const pending = changes.filter((change) => !change.synced);
  const seen = new Set<string>();
  for (const missing of subsets(pending, most)) {
    const closed = withDependents(changes, missing);
    const key = changes.map((change) => (closed.has(change) ? '0' : '1')).join('');
    if (seen.has(key)) continue;
    seen.add(key);
    yield apply(
      changes.filter((change) => !closed.has(change)),
      inodes,
    );
  }
}

function replay(happened: readonly Event[]): { changes: Change[]; inodes: Map<Inode, boolean> } {
  const changes: Change[] = [];
  const inodes = new Map<Inode, boolean>();
  const indexes = new Map<Change, number>();
  for (const [index, event] of happened.entries()) {
    if (event.kind === 'change') {
      const change = { ...event.change };
      changes.push(change);
      indexes.set(change, index);
      if (change.inode) inodes.set(change.inode, false);
    } else if (event.kind === 'fileSynced') {
      inodes.set(event.inode, true);
    } else if (event.kind === 'directorySynced') {
      const touched = (change: Change): boolean => change.paths.some((path) => dirname(path) === event.path);
      for (const change of changes) {
        if ((indexes.get(change) ?? 0) < event.upTo && touched(change)) sync(changes, change);
      }
    }
  }
  return { changes, inodes };
}

/** Makes a change safe, and those before it that it rests on. */
function sync(changes: readonly Change[], change: Change): void {
  if (change.synced) return;
  change.synced = true;
  for (const earlier of changes.slice(0, changes.indexOf(change))) if (depends(change, earlier)) sync(changes, earlier);
}

function depends(later: Change, earlier: Change): boolean {
  return later.paths.some((path) => earlier.paths.includes(path));
}

function withDependents(changes: readonly Change[], missing: ReadonlySet<Change>): Set<Change> {
  const closed = new Set(missing);
  for (const [index, change] of changes.entries()) {
    if (changes.slice(0, index).some((earlier) => closed.has(earlier) && depends(change, earlier))) closed.add(change);
  }
  return closed;
}

function* subsets(all: readonly Change[], most: number, start = 0): Generator<Set<Change>> {
  yield new Set();
  if (most === 0) return;
  for (let index = start; index < all.length; index++) {
    for (const rest of subsets(all, most - 1, index + 1)) yield rest.add(all[index]);
  }
}

function apply(changes: readonly Change[], inodes: ReadonlyMap<Inode, boolean>): Remains {
  const entries = new Map<string, Inode>();
  for (const { kind, paths, inode } of changes) {
    const [from, to] = paths as [string, string];
    if (kind === 'create' && inode) {
      entries.set(from, { ...inode, synced: inode.isLink === true || inodes.get(inode) === true });
    } else if (kind === 'unlink') entries.delete(from);
    else {
      entries.set(to, entries.get(from) as Inode);
      if (kind === 'rename') entries.delete(from);
    }
  }
  return entries;
}

/** The folder that an entry is in. */
export function folderOf(path: string): string {
  return basename(dirname(path));
}
