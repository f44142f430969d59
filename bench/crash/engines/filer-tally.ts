import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { QUEUES } from '../plan.js';
import type { Tally } from './engine.js';

const FOLDERS = ['tmp', 'incoming', 'pending', 'delayed', 'errors', 'expired', '.ids'];

/** Files by folder. */
export class FilerTally implements Tally {
  readonly waiting = ['incoming'];
  readonly unfinished = ['incoming', 'pending', 'delayed'];

  constructor(private readonly directory: string) {}

  count(): Promise<Record<string, number>> {
    return Promise.resolve(Object.fromEntries(FOLDERS.map((folder) => [folder, this.filesIn(folder)])));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Of all queues, but for the files of a job's failures, which are tidied up after a day. */
  private filesIn(folder: string): number {
    const isLeft = (file: string): boolean => !/^\.[0-9a-f]{32}\.meta$/.test(file);
    return QUEUES.reduce(
      (sum, queue) => sum + readdirSync(join(this.directory, queue, folder)).filter(isLeft).length,
      0,
    );
  }
}
