import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/**
 * The system calls that a job costs in any case, with nothing around them: what the filer is measured by. Its files have
 * the sizes of the filer's, and names as long as its.
 */
export class BareLoop {
  readonly incoming: string;
  private readonly bytes: Buffer;
  /** How many were published before this round: no job is called as another was, so no name is known to the kernel. */
  private before = 0;

  /** @param size of a file, in bytes */
  constructor(
    private readonly folder: string,
    private readonly jobs: number,
    size: number,
  ) {
    this.incoming = join(folder, 'incoming');
    this.bytes = Buffer.alloc(size, 'x');
    for (const name of ['tmp', 'incoming', 'pending']) mkdirSync(join(folder, name), { recursive: true });
  }

  /** Writes each file and moves it in. */
  publish(): void {
    this.before += this.jobs;
    for (let n = this.before; n < this.before + this.jobs; n++) {
      closeSync(this.write(n));
      renameSync(this.draft(n), this.waiting(n));
    }
  }

  /** Does the same, syncing each file before it is moved, and the directory once a batch. */
  publishDurably(batch: number): void {
    this.before += this.jobs;
    const directory = openSync(this.incoming, constants.O_RDONLY | constants.O_DIRECTORY);
    for (let start = this.before; start < this.before + this.jobs; start += batch) {
      const end = Math.min(start + batch, this.before + this.jobs);
      for (let n = start; n < end; n++) {
        const descriptor = this.write(n);
        fsyncSync(descriptor);
        closeSync(descriptor);
        renameSync(this.draft(n), this.waiting(n));
      }
      fsyncSync(directory);
    }
    closeSync(directory);
  }

  /** Claims, reads and removes each file. */
  handle(): void {
    for (let n = this.before; n < this.before + this.jobs; n++) {
      const pending = this.pending(n);
      renameSync(this.waiting(n), pending);
      const descriptor = openSync(pending, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      const bytes = Buffer.allocUnsafe(fstatSync(descriptor).size);
      readSync(descriptor, bytes);
      closeSync(descriptor);
      unlinkSync(pending);
    }
  }

  private write(n: number): number {
    const descriptor = openSync(this.draft(n), CREATE, 0o600);
    writeSync(descriptor, this.bytes);
    return descriptor;
  }

  private draft(n: number): string {
    return `${this.folder}/tmp/job-0000000000-000-00000-${n}`;
  }

  private waiting(n: number): string {
    const order = String(n).padStart(32, '0');
    return `${this.incoming}/0000001024,${order},0,${order}0000`;
  }

  private pending(n: number): string {
    const order = String(n).padStart(32, '0');
    return `${this.folder}/pending/0000001024,${order},1,n5c,0000000000-000-00000,00000000-${n},${order}0000`;
  }
}
