import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { withConsumer } from '../child.js';
import { filerUrl, newPublisher, openFiler, requests } from '../core-setup.js';
import { inFolder } from '../folder.js';
import type { Row } from '../row.js';
import { MANY } from './backlog.js';

const MOST_MB = 100;
/** Time enough for the first scan and several sweeps. */
const WATCHED_MS = 8_000;

/** How much more memory a consumer takes at most, its first job running, while many wait than with an empty directory. */
export function memoryRows(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const full = join(folder, 'full');
    const backend = await openFiler({ directory: full, durable: false });
    const publisher = newPublisher(backend);
    for (let left = MANY; left > 0; left -= 1_000) await publisher.publishMany(requests(1_000));
    await backend.close();
    const [many, none] = [await peakMegabytes(full), await peakMegabytes(join(folder, 'empty'))];
    return [
      {
        what: `memory of ${MANY} waiting files`,
        bar: `≤ ${MOST_MB} MB`,
        found: `${(many - none).toFixed(0)} MB`,
        ok: many - none <= MOST_MB,
        info: `peak RSS ${many.toFixed(0)} MB; with none waiting ${none.toFixed(0)} MB`,
      },
    ];
  });
}

function peakMegabytes(directory: string): Promise<number> {
  return withConsumer({ url: filerUrl(directory), keep: true }, async ({ pid = 0 }) => {
    await setTimeout(WATCHED_MS);
    // Not what getrusage(2) tells, which counts the parent's memory at the fork as well.
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'));
    if (!peak) throw new Error('the system does not tell the memory of a process');
    return Number(peak[1]) / 1024;
  });
}
