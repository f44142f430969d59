import type { FailureRecord } from '../../core/failure-record.js';
import type { JobState } from '../../core/inspector.js';
import type { Draft } from './draft.js';
import { handled } from './worker.js';
import type { Stage } from './stage.js';

/** How far ahead jobs are delayed that are not to come, in milliseconds. */
export const FAR_MS = 3_600_000;

/** The states, those first whose jobs must have been taken before others wait. */
export const STATES: readonly JobState[] = ['completed', 'failed', 'expired', 'active', 'delayed', 'waiting'];

/** A failure as a worker leaves it behind. */
export const FAILURE: FailureRecord = {
  at: '2026-11-21T09:00:00.000Z',
  worker: 'host:1',
  attempt: 1,
  durationMs: 12,
  error: { name: 'MailboxBusy', message: 'it is busy', stack: 'MailboxBusy: it is busy\n    at send' },
};

/** Brings a job into a state, in a queue where no other waits. */
export async function bring(stage: Stage, state: JobState, draft: Draft = {}, worker = stage.worker): Promise<void> {
  const readyAt = stage.clock.now() + FAR_MS;
  await worker.publish(state === 'delayed' ? { readyAt, ...draft } : draft);
  if (state === 'waiting' || state === 'delayed') return;
  const delivery = await worker.takeOne();
  if (state === 'completed') await worker.complete(delivery);
  if (state === 'failed') await worker.fail(delivery, [{ ...FAILURE, attempt: delivery.attempt }]);
  if (state === 'expired') await worker.expire(delivery);
}

/** Asks again, letting time pass, until the answer is as expected. */
export async function becomes<T>(stage: Stage, what: string, ask: () => Promise<T>, holds: (answer: T) => boolean) {
  let answer = await ask();
  const looks = handled(
    (async (): Promise<T> => {
      while (!holds(answer)) {
        await stage.time.pass(stage.worker.quietMs / 4);
        answer = await ask();
      }
      return answer;
    })(),
  );
  return stage.time.wait(() => `${what}, got ${JSON.stringify(answer)}`, looks);
}
