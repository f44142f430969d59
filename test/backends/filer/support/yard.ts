import { execFile } from 'node:child_process';
import { renameSync, writeFileSync } from 'node:fs';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { filer, openFiler } from '../../../../lib/backends/filer/index.js';
import type { Disk } from '../../../../lib/backends/filer/disk.js';
import type { OwnerWatch } from '../../../../lib/backends/filer/owner.js';
import type { Meta } from '../../../../lib/backends/filer/set-aside.js';
import type { Backend, Delivery, StoredReceipt } from '../../../../lib/core/backend.js';
import { LEAST_PRIORITY } from '../../../../lib/core/message.js';
import { messageOf, type Draft } from '../../../../lib/conformance/stage/draft.js';
import { temporaryFolder } from './temporary.js';

export type Folder = 'tmp' | 'incoming' | 'pending' | 'errors' | 'expired' | 'delayed' | '.ids';

/** How a backend is opened; what is left out suits most tests. */
export interface Opening {
  readonly durable?: boolean;
  readonly leaseMs?: number;
  readonly sweepMs?: number;
  readonly disk?: Disk;
  readonly owners?: OwnerWatch;
}

/** How long a job may take to come, in milliseconds: no measure of speed. */
const PATIENCE_MS = 45_000;

export const AN_HOUR_MS = 3_600_000;

/** A filer directory with one queue, and what a shell and a backend do there. */
export class Yard {
  readonly queue = 'jobs';
  readonly warnings: string[] = [];

  constructor(readonly directory: string) {}

  static async make(): Promise<Yard> {
    return new Yard(join(await temporaryFolder(), 'var'));
  }

  path(folder: Folder, file = ''): string {
    return join(this.directory, this.queue, folder, file);
  }

  /** Opens the directory; closed when the test is over. */
  async open(opening: Opening = {}): Promise<Backend> {
    const { durable = false, leaseMs = 30_000, sweepMs = 100, disk, owners } = opening;
    const { directory, queue, warnings } = this;
    const context = { worker: 'yard', queues: [queue], warn: (message: string) => void warnings.push(message) };
    const backend = await (disk || owners
      ? openFiler({ directory, durable, leaseMs, sweepMs }, context, disk, owners)
      : filer({ directory, durable, lease: leaseMs, sweep: sweepMs }).open(context));
    onTestFinished(() => backend.close());
    return backend;
  }

  publish(backend: Backend, ...drafts: readonly Draft[]): Promise<readonly StoredReceipt[]> {
    return backend.publish(
      this.queue,
      drafts.map((draft) => messageOf(draft, Date.now())),
    );
  }

  /** Takes so many jobs, at most `max` at a time. */
  async take(backend: Backend, count: number, max = count): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    const patience = AbortSignal.timeout(PATIENCE_MS);
    while (taken.length < count) {
      taken.push(...(await backend.reserve(this.queue, Math.min(max, count - taken.length), patience)));
      if (patience.aborted) throw new Error(`expected ${count} jobs, got ${taken.length}`);
      // A backend that was closed gives nothing without waiting, and must not keep the event loop from its turns.
      if (taken.length < count) await setImmediate();
    }
    return taken;
  }

  async takeOne(backend: Backend): Promise<Delivery> {
    const [delivery] = await this.take(backend, 1);
    return delivery;
  }

  /** Takes all that waits, until the least urgent of all, published now, comes as the last. */
  async takeAll(backend: Backend): Promise<Delivery[]> {
    await this.publish(backend, { name: 'the last', priority: LEAST_PRIORITY });
    const taken: Delivery[] = [];
    for (;;) {
      const delivery = await this.takeOne(backend);
      const { content } = delivery;
      if ('name' in content && content.name === 'the last') {
        await backend.settle(delivery, { kind: 'completed' });
        return taken;
      }
      taken.push(delivery);
    }
  }

  fail(backend: Backend, delivery: Delivery, reason = 'no good'): Promise<boolean> {
    return backend.settle(delivery, { kind: 'failed', reason, failures: [] });
  }

  /** What a shell does in the queue's directory. */
  async shell(script: string): Promise<string> {
    const { stdout } = await promisify(execFile)('sh', ['-euc', script], { cwd: join(this.directory, this.queue) });
    return stdout;
  }

  /** Publishes a file as another program does: written in `tmp`, then moved. */
  put(file: string | Buffer, content: string | Uint8Array): void {
    const path = (folder: Folder): Buffer => Buffer.concat([Buffer.from(`${this.path(folder)}/`), Buffer.from(file)]);
    writeFileSync(path('tmp'), content);
    renameSync(path('tmp'), path('incoming'));
  }

  /** The names in a folder but those with a leading dot, sorted. */
  async list(folder: Folder): Promise<string[]> {
    const names = await readdir(this.path(folder));
    return names.filter((name) => !name.startsWith('.')).sort();
  }

  async read(folder: Folder, file: string): Promise<Buffer> {
    return readFile(this.path(folder, file));
  }

  async meta(folder: 'errors' | 'expired', file: string): Promise<Meta> {
    return JSON.parse((await this.read(folder, `${file}.meta`)).toString()) as Meta;
  }
}

/** A message as another program writes it. */
export function json(header: Readonly<Record<string, unknown>> = {}, rest: object = {}): string {
  return JSON.stringify({ header: { request_type: 'job', ...header }, ...rest });
}
