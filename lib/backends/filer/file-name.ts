import { createHash } from 'node:crypto';
import { isName } from '../../core/names.js';

/**
 * What our file names say of a job, for its bytes never change. A job is called
 *
 * - in `incoming/`: `<priority>,<order>,<attempts>,<tail>`, so that the first by name is the next to be served
 * - in `delayed/`: `<due>,` and the same, so that the first by name is the next to fall due
 * - in `pending/`: `<priority>,<order>,<attempts>,<lease>,<owner>,<claim>,<tail>`, unique to each delivery
 *
 * After the attempts, `i` says that the id is registered, and `r` that the message's own delay counts no more. Any other
 * name in `incoming/` is a foreign one.
 */
export interface NamedJob {
  readonly priority: number;
  /** 32 hex digits that sort by the time of publishing; unique to the job among all jobs. */
  readonly order: string;
  /** Attempts used up, this delivery's included where it is pending. */
  readonly attempts: number;
  /** Whether its id is registered, as those given by users are. */
  readonly registered: boolean;
  /** Whether what its message says of a delay counts no more, for an operator has decided otherwise. */
  readonly rescheduled: boolean;
  /** What it is called in `errors/` and `expired/`: its id or its foreign name. */
  readonly tail: string;
}

/** What the name of a pending file says beyond the job's. */
export interface PendingName extends NamedJob {
  readonly leaseMs: number;
  /** Which process has it; see owner.ts. */
  readonly owner: string;
  /** Milliseconds since 1970. */
  readonly claimedAt: number;
}

const COMMON = String.raw`(\d{10}),([0-9a-f]{32}),(\d{1,9})(i?)(r?)`;
const WAITING = new RegExp(`^${COMMON},(.+)$`, 's');
const PENDING = new RegExp(String.raw`^${COMMON},([0-9a-z]+),([0-9a-z-]+),([0-9a-z]+)-[0-9a-z]+,(.+)$`, 's');
const RECEIPT = /^\d{10},[0-9a-f]{32},/;
const DUE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z),/;
const DUE_LENGTH = '2026-11-21T09:00:00.000Z,'.length;

/** What counts more attempts than this counts so many: a name has no place for more digits. */
const MOST_ATTEMPTS = 999_999_999;

/** The longest tail, in bytes: with all that stands before it, a name stays below the 255 that file systems take. */
const LONGEST_TAIL = 150;

function common(name: NamedJob): string {
  const attempts = Math.min(name.attempts, MOST_ATTEMPTS);
  return `${String(name.priority).padStart(10, '0')},${name.order},${attempts}${name.registered ? 'i' : ''}${name.rescheduled ? 'r' : ''}`;
}

export function waitingName(name: NamedJob): string {
  return `${common(name)},${name.tail}`;
}

/** @param due milliseconds since 1970 */
export function delayedName(name: NamedJob, due: number): string {
  return `${new Date(due).toISOString()},${waitingName(name)}`;
}

let claims = 0;

/** A name that no other delivery has, ever: it is the receipt. */
export function pendingName(name: NamedJob, leaseMs: number, owner: string, now: number): string {
  const claim = `${now.toString(36)}-${(++claims).toString(36)}`;
  return `${common(name)},${Math.ceil(leaseMs).toString(36)},${owner},${claim},${name.tail}`;
}

export function parseWaiting(file: string): NamedJob | undefined {
  const found = WAITING.exec(file);
  return found ? jobName(found, found[6]) : undefined;
}

export function parsePending(file: string): PendingName | undefined {
  const found = PENDING.exec(file);
  if (!found) return undefined;
  const leaseMs = parseInt(found[6], 36);
  const claimedAt = parseInt(found[8], 36);
  return { ...jobName(found, found[9]), leaseMs, owner: found[7], claimedAt };
}

/** Whether a text may be the name of a claimed job's file, and so a receipt of ours. Asked for every job, so in short. */
export function isReceipt(text: string): boolean {
  return RECEIPT.test(text) && !text.includes('/');
}

function jobName(found: RegExpExecArray, tail: string | undefined): NamedJob {
  return {
    priority: Number(found[1]),
    order: found[2],
    attempts: Number(found[3]),
    registered: found[4] === 'i',
    rescheduled: found[5] === 'r',
    tail: tail as string,
  };
}

/** When a file of `delayed/` falls due, and what it is called once it waits; undefined where it is none of ours. */
export function parseDelayed(file: string): { readonly due: number; readonly waiting: string } | undefined {
  const found = DUE.exec(file);
  const due = found ? Date.parse(found[1]) : NaN;
  const waiting = file.slice(DUE_LENGTH);
  return Number.isNaN(due) || !WAITING.test(waiting) ? undefined : { due, waiting };
}

/** When a file of `delayed/` falls due, as a text that sorts so; as far as that can be told cheaply. */
export function dueOf(file: string): string | undefined {
  return DUE.test(file) && isReceipt(file.slice(DUE_LENGTH)) ? file.slice(0, DUE_LENGTH - 1) : undefined;
}

/** What a job is called after its id: the id itself where it can be a file's name and is no meta file's. */
export function tailOfId(id: string): string {
  if (isName(id)) return id.endsWith('.meta') ? `${id}~` : id;
  const bytes = Buffer.from(id).toString('latin1');
  const safe = bytes.replace(/[^A-Za-z0-9_.-]|^[.-]/g, percent).replace(/\.meta$/, '%2Emeta');
  return shortened(safe);
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

/** What a foreign file's job is called after it; not as a meta file is. */
export function tailOfFile(file: string): string {
  return shortened(file.endsWith('.meta') ? `${file}~` : file);
}

/** A tail that is too long, cut and told from others by a hash of the whole. */
export function shortened(tail: string): string {
  if (tail.length <= LONGEST_TAIL) return tail;
  const hash = createHash('sha256').update(tail, 'latin1').digest('hex').slice(0, 32);
  // Not within a character of several bytes: without the last, which may be cut.
  const start = tail.slice(0, LONGEST_TAIL - hash.length - 1).replace(/[\xc0-\xff][\x80-\xbf]*$/, '');
  return `${start}~${hash}`;
}

/** Whether a tail may have been cut by {@link shortened}. */
export function isShortened(tail: string): boolean {
  return tail.length > 60 && /~[0-9a-f]{32}$/.test(tail);
}

/** Files in `incoming/` that are left alone. */
export function isLeftAlone(file: string): boolean {
  return file.startsWith('.') || file.endsWith('.meta');
}

/** A byte string as text; most are ASCII, which is both. */
export function asText(bytes: string): string {
  return /[\x80-\xff]/.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}
