import { answerPlaceOf, tellAnswer } from './answer-record.js';
import { answerOfDropped } from './answering.js';
import type { Backend } from './backend.js';
import type { DropReason } from './events.js';
import { holderText, supersededRecord, uniqueRecord } from './unique.js';

/** A job that is gone without having been handled. */
export interface GoneJob {
  readonly id: string;
  readonly queue: string;
  /** Undefined where its message could not be read. */
  readonly name: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Ends what went along with a job that is gone unhandled: its unique key is free again, and who waits for its result is
 * told. Rejects where the engine fails; what is not told then ends by itself, at the end of its time.
 */
export async function letGo({ records }: Backend, job: GoneJob, reason: DropReason): Promise<void> {
  const { id, queue, name, headers } = job;
  if (!records) return;
  const key = headers['unique_key'];
  if (key !== undefined && name !== undefined) {
    await records.delete(supersededRecord({ id, queue }));
    // One that is taken for a time is so whatever becomes of the job.
    if (headers['unique_while'] !== 'time') await records.delete(uniqueRecord(name, key), holderText({ id, queue }));
  }
  const place = answerPlaceOf(queue, { id, headers });
  if (place) await tellAnswer(records, place, answerOfDropped(reason, place));
}
