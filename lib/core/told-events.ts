import { isJobEvent, type JobEventMap, type JobEventName } from './events.js';
import { describeError } from './failure-record.js';
import { readRecord } from './fleet-change.js';
import type { EventWorker, WorkerEvent } from './worker-events.js';

/**
 * What a process tells in its record of the events that are followed. How often an event has happened tells which of those
 * in the record are new, and whether there were more than it has room for.
 */
export interface ToldEvents {
  readonly worker: EventWorker;
  /** How often each event has happened while somebody followed it. */
  readonly counts: Readonly<Partial<Record<JobEventName, number>>>;
  /** Of each who follows, how often each of the events that he follows had happened when that was heard of. */
  readonly since: Readonly<Record<string, readonly number[]>>;
  /** The latest, the last last. */
  readonly events: readonly ToldEvent[];
}

/** An event in plain data, its times in milliseconds since 1970 or ISO 8601. */
export interface ToldEvent {
  readonly event: JobEventName;
  readonly happenedAt: number;
  readonly [field: string]: unknown;
}

/** The longest text of an event that is told, in bytes. */
const LONGEST_EVENT = 7_500;
/** How many characters of each text are told: as many as there is room for. */
const TEXT_LENGTHS = [4_000, 1_000, 250, 60];
/** The longest JSON of a progress that is told, in characters. */
const LONGEST_VALUE = 1_000;
/** What is of no use in part, and short enough on every engine. */
const WHOLE: ReadonlySet<string> = new Set(['id', 'queue']);

/** What is told of an event. Its text is made later, for of many events in a moment most are never told. */
export function toldFields<Name extends JobEventName>(name: Name, event: JobEventMap[Name]): object {
  switch (name) {
    case 'published': {
      const { id, name: job, queue, ...others } = event as JobEventMap['published'];
      return { job: { id, name: job, queue }, ...others };
    }
    case 'progress': {
      const { job, value } = event as JobEventMap['progress'];
      // Now, for its handler may go on with it.
      const json = (JSON.stringify(value) as string | undefined) ?? 'null';
      return { job, value: json.length <= LONGEST_VALUE ? json : undefined };
    }
    case 'completed': {
      // Results leave a process only where its callers ask for them.
      const { job, durationMs } = event as JobEventMap['completed'];
      return { job, durationMs };
    }
    default:
      return event;
  }
}

/** The text of what `toldFields` gives, its own texts as long as there is room for. */
export function textOfEvent(event: JobEventName, happenedAt: number, fields: object): string {
  const { error, value, ...others } = fields as { readonly error?: Error; readonly value?: string };
  const told = { event, happenedAt, ...others, ...(error ? { error: describeError(error) } : {}) };
  const tail = value === undefined ? '}' : `,"value":${value}}`;
  for (const most of TEXT_LENGTHS) {
    const text = JSON.stringify(told, (key, field) => (WHOLE.has(key) ? (field as unknown) : cut(field, most)));
    if (Buffer.byteLength(text) + Buffer.byteLength(tail) <= LONGEST_EVENT) return text.slice(0, -1) + tail;
  }
  // No engine gives jobs whose ids are that long.
  return JSON.stringify(told, (_, field) => cut(field, 60));
}

function cut(field: unknown, most: number): unknown {
  return typeof field === 'string' && field.length > most ? `${field.slice(0, most)}…` : field;
}

/** What a record tells; undefined where it can't be read. */
export function readTold(text: string | undefined): ToldEvents | undefined {
  const told = readRecord<Partial<ToldEvents>>(text);
  if (!told?.worker || !told.counts || !told.since || !Array.isArray(told.events)) return undefined;
  return { ...(told as ToldEvents), events: (told as ToldEvents).events.filter((one) => isJobEvent(one?.event)) };
}

const DATES = ['at', 'readyAt', 'expiresAt'];

/** An event as those are given it who follow. */
export function workerEvent(told: ToldEvent, worker: EventWorker): WorkerEvent {
  const { event, happenedAt, ...others } = told;
  const fields: Record<string, unknown> = others;
  for (const key of DATES) if (typeof fields[key] === 'string') fields[key] = new Date(fields[key]);
  return { event, happenedAt: new Date(happenedAt), worker, ...fields } as unknown as WorkerEvent;
}
