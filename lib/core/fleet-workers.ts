import { changeRecord, readRecord } from './fleet-change.js';
import type { Records } from './records.js';

/** The key of the list of processes that handle jobs. */
export const WORKERS_KEY = 'fleet:workers';
/** The list outlives its processes; each is in it for as long as its own record. */
const LIST_TTL_MS = 365 * 24 * 3_600_000;

/** How often a process says that it is there, and for how long that is known. */
export interface HeartbeatTimes {
  /** Default 10 s. */
  readonly everyMs: number;
  /** Default 3 minutes. */
  readonly knownMs: number;
}

export const HEARTBEAT: HeartbeatTimes = { everyMs: 10_000, knownMs: 180_000 };

/** The longest that a process says of itself, in bytes: half of what the least engine takes. */
const LONGEST_TEXT = 32_768;

/** How many heartbeats may be missing before a process is taken for gone or blocked. */
const LATE_BEATS = 3;

/** A job that a process handles. Times are milliseconds since 1970. */
export interface RunningRecord {
  readonly id: string;
  readonly name?: string | undefined;
  readonly queue: string;
  readonly attempt: number;
  /** Since when; missing: it waits for a place of its handler. */
  readonly since?: number | undefined;
  /** The latest line that it has logged. */
  readonly log?: string | undefined;
}

/** What was seen of an event loop that was blocked. */
export interface BlockedRecord {
  /** When it was last free before; milliseconds since 1970. */
  readonly at: number;
  /** For how long, or for how long so far. */
  readonly ms: number;
  /** Whether it still was when this was said. */
  readonly lasts?: boolean | undefined;
  /** What ran then, the innermost call first; empty as long as it waits outside of JavaScript. */
  readonly stack: string;
}

/** What a process says of itself. Times are milliseconds since 1970. */
export interface WorkerRecord {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Of nestjs-jobs. */
  readonly version: string;
  /** The instance of the module. */
  readonly instance: string;
  readonly queues: readonly string[];
  /** How many jobs it may handle at a time. */
  readonly concurrency: number;
  /** The first hundred, or as many as there is room for. */
  readonly running: readonly RunningRecord[];
  readonly runningCount: number;
  readonly startedAt: number;
  readonly heartbeatAt: number;
  /** How often it comes. */
  readonly everyMs: number;
  /** The longest since the heartbeat before. */
  readonly eventLoopDelayMs: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** Whether it may be looked into. */
  readonly trace: boolean;
  /** Of a process that may be looked into: the latest times at which its event loop was blocked, the last first. */
  readonly blocked?: readonly BlockedRecord[] | undefined;
}

interface Listed {
  readonly id: string;
  /** Since when, in milliseconds since 1970. */
  readonly at: number;
}

/** The key of what a process says of itself. */
export function workerKey(id: string): string {
  return `fleet:worker:${id}`;
}

/** Stores what a process says of itself, and sees to it that it is listed. */
export async function sayWorker(records: Records, worker: WorkerRecord, knownMs: number): Promise<void> {
  await records.set(workerKey(worker.id), workerText(worker), knownMs);
  await listWorker(records, worker);
}

/** Sees to it that a process is listed. */
export async function listWorker(records: Records, { id, startedAt }: WorkerRecord): Promise<void> {
  if (readList((await records.get(WORKERS_KEY))?.text).some((one) => one.id === id)) return;
  await changeRecord(records, WORKERS_KEY, LIST_TTL_MS, (text) =>
    JSON.stringify([...readList(text).filter((one) => one.id !== id), { id, at: startedAt }]),
  );
}

/** As much as there is room for: the earlier blocks give way first, then running jobs. */
export function workerText(worker: WorkerRecord): string {
  for (let { running, blocked = [] } = worker; ;) {
    const text = JSON.stringify({ ...worker, running, blocked: worker.blocked && blocked });
    if (Buffer.byteLength(text) <= LONGEST_TEXT) return text;
    if (blocked.length > 1) blocked = blocked.slice(0, -1);
    else if (running.length > 0) running = running.slice(0, running.length / 2);
    else return text;
  }
}

/** Takes a process that ends off the list. */
export async function forgetWorker(records: Records, id: string): Promise<void> {
  await records.delete(workerKey(id));
  await unlist(records, new Set([id]));
}

/**
 * The processes that are known, the oldest first; also such as died within the last minutes. Those that are known no more are
 * taken off the list.
 */
export async function knownWorkers(records: Records): Promise<readonly WorkerRecord[]> {
  const list = readList((await records.get(WORKERS_KEY))?.text);
  const found = await Promise.all(list.map(async ({ id }) => (await records.get(workerKey(id)))?.text));
  const workers = found.map((text) => readRecord<WorkerRecord>(text));
  // One that has just come is listed after it has said what it is, so what is not there has died.
  const gone = new Set(list.filter((_, index) => !workers[index]).map(({ id }) => id));
  if (gone.size > 0) await unlist(records, gone);
  return workers.filter((worker) => worker !== undefined).sort((a, b) => a.startedAt - b.startedAt);
}

/** Whether a process has not been heard of for too long: it has died, hangs, or can't reach the engine. */
export function isStale({ heartbeatAt, everyMs }: WorkerRecord, now: number): boolean {
  return now - heartbeatAt > LATE_BEATS * everyMs;
}

async function unlist(records: Records, ids: ReadonlySet<string>): Promise<void> {
  await changeRecord(records, WORKERS_KEY, LIST_TTL_MS, (text) => {
    const before = readList(text);
    const after = before.filter(({ id }) => !ids.has(id));
    return after.length === before.length ? undefined : JSON.stringify(after);
  });
}

/** The ids of those that are listed. */
export function listedWorkers(text: string | undefined): ReadonlySet<string> {
  return new Set(readList(text).map(({ id }) => id));
}

function readList(text: string | undefined): readonly Listed[] {
  const read = readRecord<unknown>(text);
  return Array.isArray(read) ? (read as Listed[]) : [];
}
