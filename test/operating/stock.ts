import { JOB_STATES, type InspectedJob, type JobState, type StoredState } from '../../lib/core/inspector.js';
import type { Backend, BackendDescription } from '../../lib/core/backend.js';
import type { FailureRecord } from '../../lib/core/failure-record.js';
import { isUnreadable, type Message } from '../../lib/core/message.js';

/** The states that jobs of a stock are in, as they take turns. */
const STATES = ['waiting', 'waiting', 'delayed', 'failed', 'waiting', 'expired'] as const;

/** The n-th job of a stock, with something of all that a job may have. */
export function stockJob(n: number, now: number): StoredState {
  const state = STATES[n % STATES.length] ?? 'waiting';
  const message: Message = {
    id: `job-${n}`,
    name: n % 2 ? 'send_email' : 'make_print',
    body: JSON.stringify({ n, text: `"quoted"\n${'ü'.repeat(n % 40)}`, list: [null, n / 3] }),
    priority: [1024, 0, 7, 1_000_000][n % 4] ?? 1024,
    publishedAt: now - 100_000 + n,
    ...(n % 5 === 0 ? { expiresAt: now + 86_400_000 + n } : {}),
    attemptsUsed: 0,
    ...(n % 7 === 0 ? { maxAttempts: 5, timeoutMs: 1_000 } : {}),
    headers: n % 3 === 0 ? { tenant: `t${n}` } : {},
  };
  const attempts = state === 'failed' || n % 11 === 0 ? (n % 3) + 1 : 0;
  const hasEnded = state === 'failed' || state === 'expired';
  return {
    state,
    content: state === 'delayed' ? { ...message, readyAt: now + 3_600_000 + n } : message,
    attempts,
    storedAt: now - 100_000 + n,
    ...(state === 'delayed' ? { readyAt: now + 3_600_000 + n } : {}),
    ...(hasEnded ? { endedAt: now - 50_000 + n, reason: `reason ${n}` } : {}),
    failures: Array.from({ length: attempts }, (_, index) => failure(n, index + 1, now)),
  };
}

function failure(n: number, attempt: number, now: number): FailureRecord {
  const error = { name: 'MailboxBusy', message: `mailbox ${n} is busy`, stack: `MailboxBusy: ${n}\n    at somewhere` };
  return { at: new Date(now - 60_000 + attempt).toISOString(), worker: 'host:1', attempt, durationMs: n, error };
}

/** Stores so many jobs in two queues. */
export async function fill(backend: Backend, count: number, now = Date.now()): Promise<void> {
  const { inspector } = backend;
  if (!inspector) throw new Error(`${backend.traits.name} has no inspector`);
  for (let from = 0; from < count; from += 500) {
    const jobs = Array.from({ length: Math.min(500, count - from) }, (_, n) => stockJob(from + n, now));
    for (const [queue, turn] of [
      ['mail', 0],
      ['print', 1],
    ] as const) {
      const results = await inspector.store(
        queue,
        jobs.filter((_, n) => Math.floor((from + n) / 6) % 2 === turn),
      );
      const refused = results.find((result) => result !== 'stored');
      if (refused) throw new Error(`not stored: ${JSON.stringify(refused)}`);
    }
  }
}

/** What is of a job wherever it is. */
export interface SeenJob {
  readonly id: string;
  readonly queue: string;
  readonly state: JobState;
  readonly rest: unknown;
}

/** All jobs of a backend that can be listed, in their order in each state; those that have ended by their ids. */
export async function seenIn(backend: Backend): Promise<readonly SeenJob[]> {
  const { inspector } = backend;
  if (!inspector) throw new Error(`${backend.traits.name} has no inspector`);
  const all: SeenJob[] = [];
  for (const queue of await inspector.queues()) {
    for (const state of JOB_STATES) {
      if (typeof inspector.abilities.list[state] === 'object') continue;
      const seen: SeenJob[] = [];
      let cursor: string | undefined;
      do {
        const page = await inspector.list(queue, state, { limit: 1_000, cursor });
        seen.push(...page.jobs.map(seenJob));
        cursor = page.cursor;
      } while (cursor !== undefined);
      const isOrdered = state === 'waiting' || state === 'delayed';
      all.push(...(isOrdered ? seen : seen.toSorted((a, b) => (a.id < b.id ? -1 : 1))));
    }
  }
  return all;
}

function seenJob({ queue, state, content, attempts, readyAt, endedAt, reason, failures }: InspectedJob): SeenJob {
  const { id } = content;
  if (isUnreadable(content)) return { id, queue, state, rest: Buffer.from(content.bytes).toString('latin1') };
  const { name, payload, priority, publishedAt, expiresAt, maxAttempts, timeoutMs, headers } = content;
  const message = { name, payload, priority, publishedAt, expiresAt, maxAttempts, timeoutMs, headers: { ...headers } };
  const due = state === 'delayed' ? readyAt : undefined;
  return { id, queue, state, rest: { ...message, attempts, due, endedAt, reason, failures } };
}

/** Opened as one who operates. */
export function opened(description: BackendDescription): Promise<Backend> {
  return description.open({ worker: 'test:1', warn: () => undefined });
}
