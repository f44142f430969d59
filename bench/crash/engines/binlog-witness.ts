import { readBinlog, storedIn, type BinlogFile } from './binlog.js';

/** A job that the server had kept, and has destroyed by itself. */
export interface Destroyed {
  /** The publisher's try, as its ledger names it. */
  readonly key: string;
  /** The server's id of the job. */
  readonly id: string;
  /** The kill at which it was seen to be gone: 1 is the first. */
  readonly kill: number;
  /** Whether no record was left of it, or one whose body is zeros from some byte on. */
  readonly left: 'nothing' | 'zeros';
}

/** For people, in one line. */
export function tellDestroyed({ key, id, kill, left }: Destroyed): string {
  return `${key}, its job ${id}: ${left} left at kill ${kill}, all there the kill before, never deleted`;
}

/**
 * Looks at beanstalkd's binlog while the server is dead, kill by kill. When the server compacts its binlog, it drops the
 * record of a job, and at times the whole file, before it writes the job's new record: a kill in between destroys a job
 * that was acknowledged long before. That, and no fault of a client's, is told by this: the job was there in full at the
 * kill before, now it isn't, and among the records that the server has written in between, which are all still there,
 * none says that anybody deleted it.
 */
export class BinlogWitness {
  readonly destroyed: Destroyed[] = [];
  private kills = 0;
  /** Of the kill before: the keys of the jobs by the server's ids, and the number of the last file. */
  private kept = new Map<bigint, string>();
  private lastFile = 0;

  /** @param folder the server's */
  constructor(private readonly folder: string) {}

  /** To be called after each kill, before the server is started again. */
  look(): void {
    this.kills += 1;
    const files = readBinlog(this.folder);
    const stored = storedIn(files);
    const kept = new Map<bigint, string>();
    for (const [id, body] of stored) {
      const key = keyIn(body);
      if (key !== undefined) kept.set(id, key);
    }
    this.compare(files, stored, kept);
    this.kept = kept;
    this.lastFile = Math.max(this.lastFile, ...files.map(({ number }) => number));
  }

  private compare(files: readonly BinlogFile[], stored: ReadonlyMap<bigint, Buffer>, kept: Map<bigint, string>): void {
    const written = files.filter(({ number }) => number > this.lastFile);
    // The first file of this life is gone again: what was deleted in it can't be told.
    if (written[0]?.number !== this.lastFile + 1) return;
    const deleted = new Set(written.flatMap(({ records }) => records.filter((one) => one.deleted).map(({ id }) => id)));
    const alive = new Set(kept.values());
    for (const [id, key] of this.kept) {
      // A job that is put again is there under another id, and so its loss would be another's doing.
      if (alive.has(key) || deleted.has(id)) continue;
      const left = stored.has(id) ? 'zeros' : 'nothing';
      this.destroyed.push({ key, id: String(id), kill: this.kills, left });
    }
  }
}

/** The key in a message's payload; of a body that is no whole message of the run, nothing. */
function keyIn(body: Buffer): string | undefined {
  try {
    const { body: payload } = JSON.parse(body.toString()) as { readonly body?: { readonly key?: unknown } };
    return typeof payload?.key === 'string' ? payload.key : undefined;
  } catch {
    return undefined;
  }
}
