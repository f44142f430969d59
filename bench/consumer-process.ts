import type { ConsumerReport, ConsumerTask } from './child.js';
import { newConsumer, openByUrl } from './core-setup.js';

/** Consumes a queue, and tells when each job has started, until it is killed. */

const { url, keep } = JSON.parse(process.argv[2] ?? '') as ConsumerTask;
const tell = (report: ConsumerReport): void => void process.send?.(report);
const backend = await openByUrl(url);
const consumer = newConsumer(backend, {
  concurrency: keep ? 1 : 10,
  handle() {
    if (keep) return new Promise(() => undefined);
    tell({ startedNs: String(process.hrtime.bigint()) });
    return undefined;
  },
});
consumer.start();
tell('ready');
