import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { withConsumer, type ConsumerReport } from '../child.js';
import { newPublisher, openFiler, requests } from '../core-setup.js';
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
  return withConsumer({ directory, keep: true }, async (child) => {
    await setTimeout(WATCHED_MS);
    const answer = once(child, 'message') as Promise<[ConsumerReport]>;
    child.send('memory');
    const [report] = await answer;
    if (typeof report !== 'object' || !('peakBytes' in report)) throw new Error('the consumer told something else');
    return report.peakBytes / 2 ** 20;
  });
}
