import type { ConsumerReport, ConsumerTask } from './child.js';
import { JobEvents } from '../lib/core/events.js';
import { newConsumer, openByUrl } from './core-setup.js';

/** Consumes a queue, and tells when each job has started or was completed, until it is killed. */

const { url, keep, answers = false } = JSON.parse(process.argv[2] ?? '') as ConsumerTask;
const tell = (report: ConsumerReport): void => void process.send?.(report);
const nowNs = (): string => String(process.hrtime.bigint());
const backend = await openByUrl(url);
const events = new JobEvents();
if (answers) events.on('completed', () => tell({ atNs: nowNs() }));
const consumer = newConsumer(backend, {
  concurrency: keep ? 1 : 10,
  events,
  handle() {
    if (keep) return new Promise(() => undefined);
    if (answers) return { sentAs: 'x' };
    tell({ atNs: nowNs() });
    return undefined;
  },
});
consumer.start();
tell('ready');
