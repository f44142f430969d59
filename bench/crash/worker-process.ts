import { setTimeout } from 'node:timers/promises';
import { BlockedError, TransientError } from '../../lib/core/errors.js';
import type { Job } from '../../lib/core/job.js';
import { newConsumer } from '../core-setup.js';
import { LedgerWriter, partsOf, type Entry } from './ledger.js';
import { JOB, plannedJob, QUEUES } from './plan.js';
import { openPatiently, readTask, tell } from './process-task.js';

/** Handles jobs as they are planned, and writes down what it does, until it is killed or told to stop. */

interface Payload {
  readonly key: string;
  readonly text: string;
}

const { ledgers, name, seed, url } = readTask();
const ledger = new LedgerWriter(ledgers, name);
const backend = await openPatiently(url);
const says = (message: string): void => ledger.write({ what: 'says', message, at: Date.now() });
const consumer = newConsumer(backend, {
  name: JOB,
  queues: QUEUES,
  concurrency: 20,
  reporter: { log: says, warn: says, error: (message, stack = '') => says(`${message} ${stack}`) },
  handle,
});

async function handle(payload: unknown, job: Job): Promise<void> {
  const { key, text } = payload as Payload;
  const planned = plannedJob(seed, partsOf(key).n);
  const sound = text === planned.text && job.queue === planned.queue;
  ledger.write({ what: 'starts', key, at: Date.now(), id: job.id, attempt: job.attempt, sound });
  const end = (what: 'returns' | 'fails' | 'blocks' | 'leaves'): Entry => ({ what, key, at: Date.now() });
  try {
    await setTimeout(planned.runMs, undefined, { signal: job.signal });
  } catch (error) {
    ledger.write(end('leaves'));
    throw error;
  }
  if (Date.now() < job.publishedAt.getTime() + planned.blockedMs) {
    ledger.write(end('blocks'));
    throw new BlockedError('not yet', { retryIn: 100 });
  }
  if (job.attempt <= planned.failures) {
    ledger.write(end('fails'));
    throw new TransientError('once more', { retryIn: 100 });
  }
  ledger.write(end('returns'));
}

process.on('message', () => {
  void (async () => {
    await consumer.stop(10_000);
    await backend.close();
    process.disconnect();
  })();
});
consumer.start();
ledger.write({ what: 'ready', at: Date.now() });
tell('ready');
