import type { NewJob } from '../client/commands.js';
import { LARGEST } from '../client/arguments.js';
import type { ReservedJob } from '../client/client.js';

/** What is stored for a record, as JSON. */
export interface RecordBody {
  /** For who looks at it; it is found by its tube. */
  readonly key: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** No other record's. */
  readonly nonce: string;
  /** The server's id of the errand to clear it away, where that was put before. */
  readonly errand?: string;
  /** Whether it took the place of whatever was there. */
  readonly set?: true;
}

/** What comes by the inbox of a process: the place of a key that was set. */
export interface Notice {
  readonly set: string;
}

/** Likewise: a text that is sent to that process. */
export interface Letter {
  /** The key that it is sent under. */
  readonly letter: string;
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** Left where a key is watched: by whom. */
export interface WatchersNote {
  /** The name of the inbox where to tell of it. */
  readonly inbox: string;
  /** Of the key. */
  readonly place: string;
}

/** A record to be cleared away when its time is over. */
export interface RecordErrand {
  /** The place of its key. */
  readonly record: string;
  readonly nonce: string;
}

/** The name of an inbox, to be cleared away with all notes that name it once its process is gone. */
export interface InboxErrand {
  readonly inbox: string;
}

/** The name of an inbox that a letter was sent to, to be cleared away should its process be gone. */
export interface LettersErrand {
  readonly letters: string;
}

export type Errand = RecordErrand | InboxErrand | LettersErrand;

/** How often it is looked whether a process that has watched something is still there, in milliseconds. */
export const INBOX_CHECK_MS = 60_000;

/** Told before errands are run. */
const NOTICE_PRIORITY = 0;
export const ERRAND_PRIORITY = 1_000;

/** By how much one that is pending outlasts the errand that clears it away, in milliseconds. */
const PENDING_MS = 60_000;

/** How long an errand may take before another process runs it, in seconds. */
const ERRAND_TTR_S = 60;

/** When the time of what is stored now ends, in milliseconds since 1970. */
export function expiryOf(ttlMs: number): number {
  return Math.min(Date.now() + Math.max(ttlMs, 1), Number.MAX_SAFE_INTEGER);
}

export function recordJob(body: RecordBody): NewJob {
  return { priority: 0, delay: 0, ttr: LARGEST, body: JSON.stringify(body) };
}

/** One that is not there yet, and never is before its time is over unless it is kicked. */
export function pendingRecordJob(body: RecordBody): NewJob {
  return { ...recordJob(body), delay: errandDelay(body.expiresAt - Date.now() + PENDING_MS) };
}

export function noticeJob(notice: Notice): NewJob {
  return { priority: NOTICE_PRIORITY, delay: 0, ttr: ERRAND_TTR_S, body: JSON.stringify(notice) };
}

export function letterJob(body: string): NewJob {
  return { priority: NOTICE_PRIORITY, delay: 0, ttr: ERRAND_TTR_S, body };
}

export function watchersNoteJob(note: WatchersNote): NewJob {
  return { priority: 0, delay: 0, ttr: LARGEST, body: JSON.stringify(note) };
}

/** @param delayMs after which it is run, rounded up to whole seconds */
export function errandJob(errand: Errand, delayMs: number): NewJob {
  const delay = errandDelay(delayMs);
  return { priority: ERRAND_PRIORITY, delay, ttr: ERRAND_TTR_S, body: JSON.stringify(errand) };
}

export function errandDelay(delayMs: number): number {
  return Math.min(Math.max(Math.ceil(delayMs / 1000), 1), LARGEST);
}

/** Undefined where it is none of ours, or was torn by a crash of the server. */
export function recordIn({ body }: ReservedJob): RecordBody | undefined {
  const { key, text, expiresAt, nonce, errand, set } = fieldsIn(body);
  if (typeof key !== 'string' || typeof text !== 'string' || typeof nonce !== 'string') return undefined;
  if (typeof expiresAt !== 'number') return undefined;
  return { key, text, expiresAt, nonce, ...(isId(errand) ? { errand } : {}), ...(set === true ? { set } : {}) };
}

/** Likewise. */
export function watchersNoteIn({ body }: ReservedJob): WatchersNote | undefined {
  const { inbox, place } = fieldsIn(body);
  return isName(inbox) && isName(place) ? { inbox, place } : undefined;
}

/** Likewise. */
export function mailIn({ body }: ReservedJob): Notice | Letter | Errand | undefined {
  const { set, letter, text, expiresAt, record, nonce, inbox, letters } = fieldsIn(body);
  if (isName(set)) return { set };
  if (typeof letter === 'string' && typeof text === 'string' && typeof expiresAt === 'number') {
    return { letter, text, expiresAt };
  }
  if (isName(record) && typeof nonce === 'string') return { record, nonce };
  if (isName(letters)) return { letters };
  return isName(inbox) ? { inbox } : undefined;
}

/** As part of a tube's name, which what is no name could make another command. */
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,43}$/.test(value);
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9]{1,20}$/.test(value);
}

function fieldsIn(body: Buffer): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(body.toString('utf8'));
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
