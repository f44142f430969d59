import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { PublishedJob } from '../../lib/core/events.js';
import type { NamedRequest } from '../../lib/core/job-types.js';
import { newPublisher, openFiler } from '../core-setup.js';
import { keyOf, LedgerWriter, partsOf, readLedgers, type Entry } from './ledger.js';
import { JOB, plannedJob, QUEUES, type PlannedJob } from './plan.js';
import { readTask, tell } from './process-task.js';
import { Random } from './random.js';

/**
 * Publishes the jobs of its slot in their order, at a steady rate: some together, some at once by callers of their own.
 * What an incarnation before had intended, and not acknowledged, it publishes again as another try.
 */

/** With more than so many waiting, it is no longer the workers' deaths that a rescued job waits for. */
const MOST_WAITING = 100;

interface Try {
  readonly planned: PlannedJob;
  readonly key: string;
}

const task = readTask();
const ledger = new LedgerWriter(task.ledgers, task.name);
const backend = await openFiler({ directory: task.directory, durable: task.durable }, QUEUES);
const publisher = newPublisher(backend);
const random = new Random(task.seed, task.slot, -2);

function left(): Try[] {
  const tries = new Map<number, number>();
  const done = new Set<number>();
  for (const { kind, slot, entries } of readLedgers(task.ledgers)) {
    if (kind !== 'publisher' || slot !== task.slot) continue;
    for (const entry of entries) {
      if (entry.what === 'intends') tries.set(partsOf(entry.key).n, partsOf(entry.key).attempt);
      else if (entry.what === 'acknowledged') done.add(partsOf(entry.key).n);
    }
  }
  return Array.from({ length: task.jobs }, (_, n) => plannedJob(task.seed, n))
    .filter(({ n, shared }) => (shared || n % task.publishers === task.slot) && !done.has(n))
    .map((planned) => ({ planned, key: keyOf(planned.n, task.slot, (tries.get(planned.n) ?? 0) + 1) }));
}

function request({ planned, key }: Try): NamedRequest {
  const { queue, id, delayMs, priority, text } = planned;
  return { name: JOB, payload: { key, text }, options: { queue, id, delay: delayMs, priority } };
}

function acknowledgement({ key }: Try, { id, duplicate }: PublishedJob): Entry {
  return { what: 'acknowledged', key, at: Date.now(), id, duplicate: duplicate === true };
}

async function publishTogether(tries: readonly Try[]): Promise<void> {
  ledger.write(...tries.map(({ key }): Entry => ({ what: 'intends', key, at: Date.now() })));
  const published = await publisher.publishMany(tries.map(request));
  ledger.write(...tries.map((one, index) => acknowledgement(one, published[index])));
}

async function publishOne(one: Try): Promise<void> {
  ledger.write({ what: 'intends', key: one.key, at: Date.now() });
  const { name, payload, options } = request(one);
  ledger.write(acknowledgement(one, await publisher.publish(name, payload, options)));
}

function countWaiting(): number {
  return QUEUES.reduce((sum, queue) => sum + readdirSync(join(task.directory, queue, 'incoming')).length, 0);
}

async function publishBatch(tries: readonly Try[]): Promise<void> {
  try {
    if (random.chance(0.5)) await publishTogether(tries);
    else await Promise.all(tries.map(publishOne));
  } catch (error) {
    const { message } = error as Error;
    ledger.write(...tries.map(({ key }): Entry => ({ what: 'refused', key, at: Date.now(), message })));
  }
  tell({ acknowledged: tries.length });
}

tell('ready');
const tries = left();
let nextAt = performance.now();
for (let start = 0; start < tries.length;) {
  const batch = tries.slice(start, start + random.whole(1, 16));
  await publishBatch(batch);
  start += batch.length;
  nextAt = Math.max(performance.now(), nextAt + (batch.length * 1000) / task.rate);
  await setTimeout(nextAt - performance.now());
  while (countWaiting() > MOST_WAITING) await setTimeout(20);
}
await backend.close();
process.disconnect();
