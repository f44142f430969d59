import type { Settlement } from '../../core/backend.js';
import type { FailureRecord } from '../../core/failure-record.js';
import { isUnreadable } from '../../core/message.js';
import { textOf } from '../../core/message-decoding.js';
import { LARGEST } from './client/arguments.js';
import type { NewJob } from './client/commands.js';
import type { HeldJob } from './held-job.js';

/** What is kept of a failed job beside its bytes, as JSON, in a tube of its own: a buried job itself can't be changed. */
export interface Note {
  /** The server's id of the buried job, for `kick-job`. */
  readonly job: string;
  readonly id: string;
  readonly name?: string;
  readonly state: 'failed';
  readonly reason: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly attempts: number;
  readonly failures: readonly FailureRecord[];
}

/** A reason may quote a payload. */
const LONGEST_REASON = 1_000;

/** The note about a job that fails. */
export function noteOf(job: HeldJob, { reason, failures }: Extract<Settlement, { readonly kind: 'failed' }>): Note {
  return {
    job: job.id,
    id: job.content.id,
    name: isUnreadable(job.content) ? undefined : job.content.name,
    state: 'failed',
    reason,
    at: new Date().toISOString(),
    attempts: job.count.attempt,
    failures,
  };
}

/** A note as it is put, as large as the server takes it. */
export function noteJob(note: Note, maxBytes: number): NewJob {
  const { reason, failures } = note;
  const shorter = [
    note,
    { ...note, failures: failures.slice(-1) },
    { ...note, failures: failures.slice(-1).map(withoutStack) },
    { ...note, reason: reason.slice(0, LONGEST_REASON), failures: [] },
  ];
  const bodies = shorter.map((each) => JSON.stringify(each));
  const body = bodies.find((each) => Buffer.byteLength(each) <= maxBytes) ?? '{}';
  return { priority: 0, delay: 0, ttr: LARGEST, body };
}

/** The job that a note is about, without reading all of it: it is what each begins with. Undefined as below. */
export function jobOfNote(body: Buffer): string | undefined {
  const [, job] = /^\{"job":"([0-9]{1,20})",/.exec(body.toString('latin1', 0, 40)) ?? [];
  return job ?? noteIn(body)?.job;
}

/** Undefined where it is none of ours, was torn by a crash of the server, or was too large for it. */
export function noteIn(body: Buffer): Note | undefined {
  const text = textOf(body);
  if (text === undefined) return undefined;
  try {
    const note = JSON.parse(text) as Partial<Note> | null;
    const { job, id, reason, at, attempts, failures } = note ?? {};
    const isNote =
      typeof job === 'string' && /^[0-9]{1,20}$/.test(job) && typeof id === 'string' && typeof reason === 'string';
    if (!isNote || typeof at !== 'string' || typeof attempts !== 'number') return undefined;
    return {
      ...note,
      job,
      id,
      state: 'failed',
      reason,
      at,
      attempts,
      failures: Array.isArray(failures) ? failures : [],
    };
  } catch {
    return undefined;
  }
}

function withoutStack({ error: { name, message }, ...record }: FailureRecord): FailureRecord {
  return { ...record, error: { name, message } };
}
