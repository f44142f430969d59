import { createHash } from 'node:crypto';
import type { FailureRecord } from './failure-record.js';
import type { ReceivedMessage } from './message.js';
import type { Records } from './records.js';

/** The header that says for how many milliseconds after its end a job's answer is kept; missing: it keeps none. */
export const KEEP_RESULT = 'keep_result';
/** The header that names the record of the answer, with its stamp behind the last `#`. Default: by queue and id. */
export const ANSWER_KEY = 'answer_key';
/** The header that has the address of the caller to whom the answer is sent; missing: it is a record for all who ask. */
export const ANSWER_TO = 'answer_to';
const ADDRESS = /^[\w-]{1,40}$/;

const PREFIX = 'answer:';
/** Ids of others may be longer than keys of records leave room for. */
const LONGEST_ID_BYTES = 800;

/** Where a job's answer belongs. */
export interface AnswerPlace {
  /** The key of its record. */
  readonly key: string;
  /** Tells the job from earlier ones of its id, and follows theirs; empty where its id was made for it. */
  readonly stamp: string;
  /** For how long after the job's end it is kept. */
  readonly keepMs: number;
  /** Of the caller for whom alone it is; undefined: for whoever asks. */
  readonly address?: string | undefined;
}

/** How a job ended, as its caller is told. */
export type Answer = {
  /** The stamp of the job; missing where that is empty. */
  readonly of?: string | undefined;
  readonly attempts: number;
} & (
  | { readonly state: 'completed'; readonly result?: unknown }
  | { readonly state: 'failed'; readonly reason: string; readonly error: FailureRecord['error'] }
  | { readonly state: 'expired'; readonly reason: string }
);

/** The latest that a running job has said of how far it is. */
export interface ProgressNote {
  readonly of?: string | undefined;
  readonly value: unknown;
}

/** The last lines that a running job has logged. */
export interface LogNote {
  readonly of?: string | undefined;
  readonly lines: readonly string[];
}

/** What the record of an answer says. */
export function answerText(answer: Answer, { stamp }: AnswerPlace): string {
  return JSON.stringify(stamp === '' ? answer : { ...answer, of: stamp });
}

/** The key of a job's answer, by the queue that it was published to. */
export function answerKey(queue: string, id: string): string {
  if (Buffer.byteLength(id) <= LONGEST_ID_BYTES) return `${PREFIX}${queue}:${id}`;
  return `${PREFIX}#${queue}:${createHash('sha256').update(id).digest('hex')}`;
}

/** The key of what a job says before its end. */
export function noteKey(kind: 'progress' | 'log', key: string): string {
  return `${kind}:${key.slice(PREFIX.length)}`;
}

/** The headers by which a job takes along where its answer belongs; the same for all jobs of a pipeline. */
export function answerHeaders({ key, stamp, keepMs, address }: AnswerPlace): Readonly<Record<string, string>> {
  const kept = { [KEEP_RESULT]: String(keepMs), [ANSWER_KEY]: `${key}#${stamp}` };
  return address === undefined ? kept : { ...kept, [ANSWER_TO]: address };
}

/** Where the answer of a job belongs; undefined where none is kept. */
export function answerPlaceOf(
  queue: string,
  { id, headers }: Pick<ReceivedMessage, 'id' | 'headers'>,
): AnswerPlace | undefined {
  const keepMs = Number(headers[KEEP_RESULT]);
  if (!(keepMs > 0) || !Number.isFinite(keepMs)) return undefined;
  const to = headers[ANSWER_TO];
  const address = to !== undefined && ADDRESS.test(to) ? to : undefined;
  const named = headers[ANSWER_KEY];
  const mark = named?.lastIndexOf('#') ?? -1;
  if (named === undefined || mark < 0 || !named.startsWith(PREFIX)) {
    return { key: answerKey(queue, id), stamp: '', keepMs, address };
  }
  return { key: named.slice(0, mark), stamp: named.slice(mark + 1), keepMs, address };
}

/**
 * Tells a job's answer: to its caller, where that is for him alone, else to whoever asks.
 *
 * @param receipt of the delivery that it is told for; undefined: the job was not handed out
 */
export function tellAnswer(
  records: Records,
  { key, keepMs, address }: AnswerPlace,
  text: string,
  receipt?: string,
): Promise<void> {
  return address !== undefined && records.letters
    ? records.letters.send(address, key, text, keepMs, receipt)
    : records.set(key, text, keepMs);
}

/**
 * What a record says, unless that is of an earlier job of the same id, or cannot be read.
 *
 * @param since the stamp of the job that is asked about; undefined: whichever has its id
 */
export function readNote<Note extends { readonly of?: string | undefined }>(
  text: string | undefined,
  since: string | undefined,
): Note | undefined {
  if (text === undefined) return undefined;
  try {
    const note = JSON.parse(text) as Note;
    return since === undefined || (note.of ?? '') >= since ? note : undefined;
  } catch {
    return undefined;
  }
}
