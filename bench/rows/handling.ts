import { join } from 'node:path';
import { BareLoop } from '../bare.js';
import { newConsumer, newPublisher, openFiler, requests } from '../core-setup.js';
import { inFolder } from '../folder.js';
import { inPairs } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';
import { MESSAGE_BYTES } from './publishing.js';

const JOBS = 4_000;
const CONCURRENCY = 50;

/** From the first job to the last, a consumer against the bare loop. */
export function handlingRows(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const backend = await openFiler({ directory: join(folder, 'filer'), durable: false });
    const publisher = newPublisher(backend);
    const bare = new BareLoop(join(folder, 'bare'), JOBS, MESSAGE_BYTES);
    let handled = 0;
    let allHandled = (): void => undefined;
    const handle = (): void => {
      if (++handled === JOBS) allHandled();
    };
    const { ratio, a, b } = await inPairs(
      11,
      JOBS,
      {
        async before() {
          handled = 0;
          await publisher.publishMany(requests(JOBS));
        },
        async timed() {
          const done = new Promise<void>((resolve) => (allHandled = resolve));
          const consumer = newConsumer(backend, { concurrency: CONCURRENCY, handle });
          consumer.start();
          await done;
          await consumer.stop(1_000);
        },
      },
      { before: () => bare.publish(), timed: () => bare.handle() },
    );
    await backend.close();
    return [ratioRow('handling, durable: false', ratio, { least: 0.5 }, `${perSecond(a)}; bare ${perSecond(b)}`)];
  });
}
