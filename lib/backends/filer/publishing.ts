import { setImmediate } from 'node:timers/promises';
import type { BackendError, StoredReceipt } from '../../core/backend.js';
import { encodeMessage, type Message } from '../../core/message.js';
import type { DirectorySyncs } from './directory-syncs.js';
import type { Disk } from './disk.js';
import { delayedName, tailOfId, waitingName, type NamedJob } from './file-name.js';
import { fault, isGone, type FolderName, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import { newOrder } from './order.js';
import { PublishRequest } from './publish-request.js';

/** One message that is to be written. */
interface Asked {
  readonly request: PublishRequest;
  readonly message: Message;
}

/** One on its way into the queue. Made when its batch is written, so that few are there at a time. */
interface Item extends Asked {
  /** Its place among its equals: that of the call, whoever made its id and when. */
  readonly order: string;
  draft: string;
  descriptor: number | undefined;
}

/** How many drafts are open at a time, and share a sync of the directory. */
const BATCH = 64;
/** For how long the event loop is held, in milliseconds. */
const LONGEST_TURN_MS = 3;

const STORED: StoredReceipt = { duplicate: false };

export interface PublishingSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly ids: IdRegister;
  readonly durable: boolean;
  /** Names drafts, uniquely among all processes. */
  readonly newDraft: () => string;
  /** Hears of each file that has come into a folder. */
  readonly stored: (folder: 'incoming' | 'delayed', file: string) => void;
}

/**
 * Writes messages into a queue, in batches of all that is asked for at a time and one batch after the other, so that
 * their order is kept: draft in `tmp`, sync of the file, rename, sync of the directory.
 */
export class Publishing {
  private waiting: Asked[] = [];
  private working: Promise<void> | undefined;

  constructor(private readonly setup: PublishingSetup) {}

  publish(messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    return new Promise((resolve, reject) => {
      if (messages.length === 0) return resolve([]);
      const request = new PublishRequest(messages.length, resolve, reject);
      for (const message of messages) this.waiting.push({ request, message });
      this.working ??= this.work();
    });
  }

  /** Resolves once all that was asked for is done. */
  async idle(): Promise<void> {
    await this.working;
  }

  private async work(): Promise<void> {
    // Callers of the same turn share the batch.
    await setImmediate();
    while (this.waiting.length > 0) {
      const all = this.waiting;
      this.waiting = [];
      let turnBegan = performance.now();
      for (let start = 0; start < all.length; start += BATCH) {
        const batch = all.slice(start, start + BATCH).map(itemOf);
        await this.store(batch).catch((error: unknown) => this.failAll(batch, error));
        if (performance.now() - turnBegan < LONGEST_TURN_MS) continue;
        await setImmediate();
        turnBegan = performance.now();
      }
    }
    this.working = undefined;
  }

  private failAll(batch: readonly Item[], error: unknown): void {
    const failure = fault(this.setup.folders.path('incoming'), error);
    for (const { request } of batch) request.reject(failure, true);
  }

  private async store(batch: readonly Item[]): Promise<void> {
    for (const one of batch) this.write(one);
    const { durable } = this.setup;
    if (durable) await Promise.all(batch.map((one) => this.sync(one)));
    const changed = new Set<FolderName>();
    const taken = await this.takenIds(batch);
    for (const one of batch) {
      if (one.message.freshId) this.moveIn(one, changed);
      else await this.moveInRegistered(one, taken, changed);
    }
    const failure = durable ? await this.syncFolders(changed) : undefined;
    for (const { request } of batch) request.conclude(failure);
  }

  private write(one: Item): void {
    if (one.request.failure) return;
    const { disk, durable, folders, newDraft } = this.setup;
    try {
      const text = encodeMessage(one.message);
      one.draft = newDraft();
      if (durable) one.descriptor = this.mended(() => disk.create(one.draft, Buffer.from(text)));
      else this.mended(() => disk.write(one.draft, text));
    } catch (error) {
      one.request.failure ??= fault(folders.path('tmp'), error);
    }
  }

  private async sync(one: Item): Promise<void> {
    if (one.descriptor === undefined) return;
    try {
      await this.setup.disk.syncFile(one.descriptor);
    } catch (error) {
      one.request.failure ??= fault(this.setup.folders.path('tmp'), error);
    } finally {
      this.closeDraft(one);
    }
  }

  private closeDraft(one: Item): void {
    const { descriptor } = one;
    one.descriptor = undefined;
    if (descriptor !== undefined) this.setup.disk.closeFile(descriptor);
  }

  private async takenIds(batch: readonly Item[]): Promise<ReadonlySet<string>> {
    const { folders, ids } = this.setup;
    const given = batch.filter(({ message }) => !message.freshId);
    try {
      return await folders.mend(() => ids.unregistered(given.map(({ message }) => message.id)));
    } catch (error) {
      for (const { request } of given) request.failure ??= fault(folders.path('incoming'), error);
      return new Set();
    }
  }

  private async moveInRegistered(one: Item, taken: ReadonlySet<string>, changed: Set<FolderName>): Promise<void> {
    if (one.request.failure) return this.discard(one);
    const { folders, ids } = this.setup;
    try {
      const { id } = one.message;
      changed.add('.ids');
      if (!taken.has(id) && (await folders.mend(() => ids.register(id, one.draft)))) return this.moveIn(one, changed);
      one.request.receipts.push({ duplicate: true });
      // Whoever hears of a duplicate may rely on the job that is there, which another may have stored just now.
      changed.add('incoming').add('delayed');
    } catch (error) {
      one.request.failure ??= fault(folders.path('.ids'), error);
    }
    this.discard(one);
  }

  private moveIn(one: Item, changed: Set<FolderName>): void {
    if (one.request.failure) return this.discard(one);
    const { disk, folders, stored } = this.setup;
    const { folder, file } = placeOf(one.message, one.order, !one.message.freshId);
    try {
      this.mended(() => disk.rename(one.draft, folders.file(folder, file)));
      changed.add(folder);
      one.request.receipts.push(STORED);
      stored(folder, file);
    } catch (error) {
      one.request.failure ??= fault(folders.path(folder), error);
      this.discard(one);
    }
  }

  /** Does `act`, and once more where a folder was gone and could be made again. */
  private mended<T>(act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (!isGone(error)) throw error;
      this.setup.folders.make();
      return act();
    }
  }

  private discard(one: Item): void {
    if (one.draft === '') return;
    try {
      this.setup.disk.unlink(one.draft);
    } catch {
      // What is left of it is removed when the queue is opened next.
    }
  }

  private async syncFolders(changed: ReadonlySet<FolderName>): Promise<BackendError | undefined> {
    const paths = [...changed].map((folder) => this.setup.folders.path(folder));
    for (const [index, done] of (
      await Promise.allSettled(paths.map((path) => this.setup.syncs.sync(path)))
    ).entries()) {
      if (done.status === 'rejected') return fault(paths[index] ?? '', done.reason);
    }
    return undefined;
  }
}

function itemOf({ request, message }: Asked): Item {
  return { request, message, order: newOrder(), draft: '', descriptor: undefined };
}

/** Where a message goes, and what it is called there. */
export interface Place {
  readonly folder: 'incoming' | 'delayed';
  readonly file: string;
}

/** @param order its place among its equals */
export function placeOf(message: Message, order: string, registered: boolean): Place {
  const { priority, attemptsUsed, readyAt } = message;
  const name: NamedJob = {
    priority,
    order,
    attempts: attemptsUsed,
    registered,
    rescheduled: false,
    tail: tailOfId(message.id),
  };
  return readyAt !== undefined && readyAt > Date.now()
    ? { folder: 'delayed', file: delayedName(name, readyAt) }
    : { folder: 'incoming', file: waitingName(name) };
}
