import { setTimeout } from 'node:timers/promises';
import type { PublishedJob } from '../../lib/core/published-job.js';
import type { NamedRequest } from '../../lib/core/job-types.js';
import { PublishError } from '../../lib/core/publish-error.js';
import { newPublisher } from '../core-setup.js';
import { sumOf } from './engines/engine.js';
import { tallyOf } from './engines/tally.js';
import { keyOf, LedgerWriter, partsOf, readLedgers, type Entry } from './ledger.js';
import { JOB, plannedJob, type PlannedJob } from './plan.js';
import { openPatiently, readTask, tell } from './process-task.js';
import { Random } from './random.js';

/**
 * Publishes the jobs of its slot in their order, at a steady rate: some together, some at once by callers of their own.
 * What was refused, or what an incarnation before had intended and not acknowledged, it publishes again as another try.
 */

/** With more than so many waiting, it is no longer the workers' deaths that a rescued job waits for. */
const MOST_WAITING = 100;

/** What an application would wait, at least, before it publishes again. */
const REFUSED_PAUSE_MS = 50;

interface Try {
  readonly planned: PlannedJob;
  readonly attempt: number;
  readonly key: string;
}

const task = readTask();
const ledger = new LedgerWriter(task.ledgers, task.name);
const backend = await openPatiently(task.url);
const tally = tallyOf(task.engine, task.url);
const publisher = newPublisher(backend);
const random = new Random(task.seed, task.slot, -2);

function tryOf(planned: PlannedJob, attempt: number): Try {
  return { planned, attempt, key: keyOf(planned.n, task.slot, attempt) };
}

function left(): Try[] {
  const tries = new Map<number, number>();
  const done = new Set<number>();
  for (const { kind, slot, entries } of readLedgers(task.ledgers)) {
    if (kind !== 'publisher' || slot !== task.slot) continue;
    for (const entry of entries) {
      if (entry.what === 'intends') {
        const { n, attempt } = partsOf(entry.key);
        tries.set(n, Math.max(tries.get(n) ?? 0, attempt));
      } else if (entry.what === 'acknowledged') done.add(partsOf(entry.key).n);
    }
  }
  return Array.from({ length: task.jobs }, (_, n) => plannedJob(task.seed, n))
    .filter(({ n, shared }) => (shared || n % task.publishers === task.slot) && !done.has(n))
    .map((planned) => tryOf(planned, (tries.get(planned.n) ?? 0) + 1));
}

function request({ planned, key }: Try): NamedRequest {
  const { queue, id, delayMs, priority, text } = planned;
  return { name: JOB, payload: { key, text }, options: { queue, id, delay: delayMs, priority } };
}

function intends({ key }: Try): Entry {
  return { what: 'intends', key, at: Date.now() };
}

function acknowledgement({ key }: Try, { id, duplicate }: Partial<PublishedJob>): Entry {
  return { what: 'acknowledged', key, at: Date.now(), id, duplicate };
}

function refusal({ key }: Try, { maybeStored, message }: PublishError): Entry {
  return { what: 'refused', key, at: Date.now(), maybeStored, message };
}

/** Resolves with those that were refused. */
async function publishTogether(tries: readonly Try[]): Promise<Try[]> {
  ledger.write(...tries.map(intends));
  try {
    const published = await publisher.publishMany(tries.map(request));
    ledger.write(...tries.map((one, index) => acknowledgement(one, published[index] ?? {})));
    return [];
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    // Of those with an id of their own, it is not told which were duplicates.
    const isStored = ({ planned: { id } }: Try, index: number): boolean => index < error.stored && id === undefined;
    const maybe = (index: number): PublishError =>
      index < error.stored ? new PublishError(error.message, { maybeStored: true }) : error;
    ledger.write(
      ...tries.map((one, index) => (isStored(one, index) ? acknowledgement(one, {}) : refusal(one, maybe(index)))),
    );
    return tries.filter((one, index) => !isStored(one, index));
  }
}

/** Resolves with it where it was refused. */
async function publishOne(one: Try): Promise<Try[]> {
  ledger.write(intends(one));
  const { name, payload, options } = request(one);
  try {
    ledger.write(acknowledgement(one, await publisher.publish(name, payload, options)));
    return [];
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    ledger.write(refusal(one, error));
    return [one];
  }
}

async function publishBatch(tries: readonly Try[]): Promise<readonly Try[]> {
  const refused = random.chance(0.5) ? await publishTogether(tries) : (await Promise.all(tries.map(publishOne))).flat();
  tell({ acknowledged: tries.length - refused.length });
  if (refused.length > 0) await setTimeout(REFUSED_PAUSE_MS);
  return refused.map(({ planned, attempt }) => tryOf(planned, attempt + 1));
}

/** 0 while the engine is away: what a publish makes of that is to be found out. */
async function countWaiting(): Promise<number> {
  const counts = await tally.count().catch(() => ({}));
  return sumOf(counts, tally.waiting);
}

tell('ready');
const tries = left();
let nextAt = performance.now();
while (tries.length > 0) {
  const batch = tries.splice(0, random.whole(1, 16));
  tries.unshift(...(await publishBatch(batch)));
  nextAt = Math.max(performance.now(), nextAt + (batch.length * 1000) / task.rate);
  await setTimeout(nextAt - performance.now());
  while ((await countWaiting()) > MOST_WAITING) await setTimeout(20);
}
await tally.close();
await backend.close();
process.disconnect();
