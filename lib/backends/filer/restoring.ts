import type { StoredState, StoreResult } from '../../core/inspector.js';
import { DEFAULT_PRIORITY, encodeMessage, type Message, type Unreadable } from '../../core/message.js';
import { readContents } from './contents.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { unlinkIfThere, type Disk } from './disk.js';
import { writeDraft } from './drafts.js';
import { asText, delayedName, tailOfFile, tailOfId, waitingName, type NamedJob } from './file-name.js';
import { fault, type FolderName, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import { readMeta } from './meta-file.js';
import { newOrder } from './order.js';
import type { Meta, SetAside } from './set-aside.js';
import type { SideFiles } from './side-files.js';

/** How many drafts are written at a time. */
const AT_A_TIME = 64;

type Content = Message | Unreadable;

export interface RestoringSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly durable: boolean;
  readonly ids: IdRegister;
  readonly sides: SideFiles;
  readonly aside: SetAside;
  readonly newDraft: () => string;
  readonly stored: (folder: 'incoming' | 'delayed', file: string) => void;
}

/** Stores jobs as they stood elsewhere: as a publish does, with what our names and metas tell of them. */
export class Restoring {
  constructor(private readonly setup: RestoringSetup) {}

  async store(jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    const { durable, folders, ids, syncs } = this.setup;
    const changed = new Set<FolderName>();
    const results: StoreResult[] = [];
    try {
      const taken = await ids.unregistered(jobs.map(({ content }) => content.id));
      for (let start = 0; start < jobs.length; start += AT_A_TIME) {
        results.push(...(await this.storeSome(jobs.slice(start, start + AT_A_TIME), taken, changed)));
      }
      if (durable) await Promise.all([...changed].map((folder) => syncs.sync(folders.path(folder))));
      return results;
    } catch (error) {
      throw fault(folders.path('incoming'), error);
    }
  }

  private async storeSome(
    jobs: readonly StoredState[],
    taken: ReadonlySet<string>,
    changed: Set<FolderName>,
  ): Promise<StoreResult[]> {
    const drafts = await this.write(jobs);
    const results: StoreResult[] = [];
    try {
      for (const [index, job] of jobs.entries()) {
        const draft = drafts[index];
        const isFree = !taken.has(job.content.id) && !this.hasExpired(job.content.id);
        results.push(isFree && (await this.moveIn(job, draft, changed)) ? 'stored' : 'there');
      }
      return results;
    } finally {
      // What has moved in is there no more.
      for (const draft of drafts) unlinkIfThere(this.setup.disk, draft);
    }
  }

  private async write(jobs: readonly StoredState[]): Promise<string[]> {
    const written = await Promise.allSettled(jobs.map(({ content }) => writeDraft(this.setup, bytesOf(content))));
    const drafts = written.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = written.find((one) => one.status === 'rejected');
    if (!failed) return drafts;
    for (const draft of drafts) unlinkIfThere(this.setup.disk, draft);
    throw failed.reason;
  }

  /** False where a job of its id lives. */
  private async moveIn(job: StoredState, draft: string, changed: Set<FolderName>): Promise<boolean> {
    const { ids } = this.setup;
    changed.add('.ids');
    if (!(await ids.register(job.content.id, draft))) return false;
    if (job.state === 'waiting' || job.state === 'delayed') return this.letWait(job, draft, changed);
    // An expired one leaves its id free.
    if (job.state === 'expired') await ids.release(job.content.id, draft);
    return this.setAside(job, draft, changed);
  }

  private async letWait(job: StoredState, draft: string, changed: Set<FolderName>): Promise<true> {
    const { disk, folders, sides, stored } = this.setup;
    const { content, state, attempts, failures } = job;
    const said = 'readyAt' in content ? content.readyAt : undefined;
    const now = Date.now();
    const readyAt = state === 'delayed' ? (job.readyAt ?? said ?? now) : now;
    const name: NamedJob = {
      priority: 'priority' in content ? content.priority : DEFAULT_PRIORITY,
      order: newOrder(),
      attempts,
      registered: true,
      rescheduled: (said ?? 0) > readyAt,
      tail: tailOf(content),
    };
    if (attempts > 0 && failures.length > 0) {
      sides.place(name.order, await writeDraft(this.setup, Buffer.from(JSON.stringify({ failures }))));
      changed.add('delayed');
    }
    const folder = state === 'delayed' ? 'delayed' : 'incoming';
    const file = folder === 'delayed' ? delayedName(name, Math.ceil(readyAt)) : waitingName(name);
    disk.rename(draft, folders.file(folder, file));
    stored(folder, file);
    changed.add(folder);
    return true;
  }

  private async setAside(job: StoredState, draft: string, changed: Set<FolderName>): Promise<boolean> {
    const { content, attempts, failures } = job;
    const state = job.state === 'failed' ? 'failed' : 'expired';
    const meta: Meta = {
      id: content.id,
      name: 'name' in content ? content.name : undefined,
      state,
      reason: job.reason ?? '',
      at: new Date(job.endedAt ?? Date.now()).toISOString(),
      attempts,
      failures,
    };
    changed.add(state === 'failed' ? 'errors' : 'expired');
    return this.setup.aside.move(draft, tailOf(content), meta);
  }

  /** Whether a job of this id is in `expired/`. */
  private hasExpired(id: string): boolean {
    const { disk, folders } = this.setup;
    const path = folders.file('expired', tailOfId(id));
    try {
      const fallback = readMeta(disk, `${path}.meta`).id ?? asText(tailOfId(id));
      return readContents(disk, path, fallback)?.content.id === id;
    } catch {
      return false;
    }
  }
}

function bytesOf(content: Content): Uint8Array {
  return 'unreadable' in content ? content.bytes : Buffer.from(encodeMessage(content));
}

/** What can't be read is known by its file's name alone. */
function tailOf(content: Content): string {
  if (!('unreadable' in content)) return tailOfId(content.id);
  const bytes = Buffer.from(content.id).toString('latin1');
  return /^[^./\0][^/\0]*$/.test(bytes) && bytes.length <= 100 ? tailOfFile(bytes) : tailOfId(content.id);
}
