import type { BackoffPlan } from '../../core/backoff.js';
import { DEFAULT_BACKOFF } from '../../core/backoff.js';
import type { FailureRecord } from '../../core/failure-record.js';
import {
  encodeMessage,
  isUnreadable,
  type Message,
  type ReceivedMessage,
  type Unreadable,
} from '../../core/message.js';
import { decodeMessage } from '../../core/message-decoding.js';
import { jsonFault } from '../../core/json-fault.js';
import { bullmqId } from './job-id.js';
import { EXACT_PRIORITIES, fromBullmq, toBullmq } from './priority.js';

/**
 * The option of a BullMQ job that holds what BullMQ has no place for: the message as others see it, without its body, as
 * JSON text. As text, for BullMQ would round the numbers and break the lone surrogates of an object. Others may give it
 * as well. A job that says nothing beyond BullMQ's own fields has none: it would be a third of what Redis keeps of it.
 */
export const MESSAGE_OPTION = 'nestjs-jobs';

/** Fields of the job's hash that are ours: BullMQ leaves alone what it doesn't know, and removes it with the job. */
export const FAILURES_FIELD = 'nestjs-jobs:failures';
/** How many of the job's starts don't count as attempts. May be below 0. */
export const UNCOUNTED_FIELD = 'nestjs-jobs:uncounted';
/** Of a job that came back: when it may be handled, in milliseconds since 1970. */
export const READY_FIELD = 'nestjs-jobs:ready-at';
/** Of a job that was put aside: how many attempts it had, and why, as it was told; BullMQ's own reason tells more. */
export const ATTEMPTS_FIELD = 'nestjs-jobs:attempts';
export const REASON_FIELD = 'nestjs-jobs:reason';

/** A new job. */
export interface NewJob {
  readonly id: string;
  readonly name: string;
  /** JSON text, or bytes that can't be read. */
  readonly data: string | Buffer;
  readonly timestamp: number;
  readonly options: Readonly<Record<string, unknown>>;
}

/** A job's hash as BullMQ keeps it. */
export type JobHash = Readonly<Record<string, string | undefined>>;

/**
 * The BullMQ job that a message becomes, by default under the id that is made of the message's.
 *
 * @param storedAt milliseconds since 1970
 */
export function newJob(message: Message, storedAt: number, id: string = bullmqId(message.id)): NewJob {
  const { name, body: data } = message;
  if (isPlain(message, storedAt, id)) {
    return { id, name, data, timestamp: storedAt, options: { priority: toBullmq(message.priority) } };
  }
  return { id, name, data, timestamp: storedAt, options: optionsOf(message, storedAt) };
}

/** The same for a message that is published now. */
export function publishedJob(message: Message, now: number): NewJob {
  const { publishedAt } = message;
  const id = bullmqId(message.id);
  // A few milliseconds earlier than it is stored: so BullMQ's own field tells when it was published.
  const isTold = publishedAt !== undefined && publishedAt <= now && isPlain(message, publishedAt, id);
  return newJob(message, isTold ? publishedAt : now, id);
}

/** Whether BullMQ's own fields tell all of it. */
function isPlain(message: Message, storedAt: number, id: string): boolean {
  return (
    message.id === id &&
    message.publishedAt === storedAt &&
    message.priority <= EXACT_PRIORITIES &&
    message.readyAt === undefined &&
    message.expiresAt === undefined &&
    message.maxAttempts === undefined &&
    message.backoff === undefined &&
    message.timeoutMs === undefined &&
    message.attemptsUsed === 0 &&
    Number.isSafeInteger(storedAt) &&
    isEmpty(message.headers)
  );
}

function isEmpty(headers: Message['headers']): boolean {
  for (const _ in headers) return false;
  return true;
}

/** The options of the BullMQ job that a message becomes. */
function optionsOf(message: Message, now: number): Record<string, unknown> {
  const body = ',"body":}';
  const options: Record<string, unknown> = {
    priority: toBullmq(message.priority),
    [MESSAGE_OPTION]: `${encodeMessage({ ...message, body: '' }).slice(0, -body.length)}}`,
  };
  if (message.readyAt !== undefined && message.readyAt > now) options['delay'] = Math.ceil(message.readyAt) - now;
  // For a plain BullMQ worker that takes the job; we go by the message.
  if (message.maxAttempts !== undefined) options['attempts'] = message.maxAttempts;
  if (message.backoff !== undefined) options['backoff'] = { type: message.backoff.kind, delay: message.backoff.base };
  return options;
}

/** What a job's hash means. Never throws: what can't be read is told as such, its bytes as far as they are text. */
export function contentOf(hash: JobHash, id: string): ReceivedMessage | Unreadable {
  const data = hash['data'] ?? '';
  const unreadable = (kind: Unreadable['kind'], reason: string): Unreadable => {
    return { unreadable: reason, id, bytes: Buffer.from(data), kind };
  };
  const name = hash['name'] ?? '';
  if (name === '') return unreadable('foreign', 'it has no name');
  let payload: unknown;
  try {
    // Nothing is an empty object, as it is to BullMQ.
    payload = JSON.parse(data || '{}');
  } catch (error) {
    return unreadable('damaged', `its data is not JSON: ${jsonFault(error)}`);
  }
  const options = optionsIn(hash);
  if (!options) return unreadable('damaged', 'its options are not a JSON object');
  const message = options[MESSAGE_OPTION];
  if (message === undefined) return plain(id, name, payload, options, hash);
  const content = decodeMessage(Buffer.from(typeof message === 'string' ? message : ''), id);
  if (isUnreadable(content)) return unreadable('damaged', `its option ${MESSAGE_OPTION}: ${content.unreadable}`);
  return { ...content, name, payload };
}

/** What BullMQ's own fields tell: all of what another program added as it is used to. */
function plain(
  id: string,
  name: string,
  payload: unknown,
  options: Record<string, unknown>,
  hash: JobHash,
): ReceivedMessage {
  const attempts = options['attempts'];
  const timestamp = Number(hash['timestamp']);
  return {
    id,
    name,
    payload,
    priority: fromBullmq(Number(hash['priority'])),
    ...(timestamp > 0 ? { publishedAt: timestamp } : {}),
    attemptsUsed: 0,
    // BullMQ writes 0 where nobody has said anything.
    maxAttempts: Number.isSafeInteger(attempts) && Number(attempts) >= 1 ? Number(attempts) : undefined,
    backoff: backoffIn(options['backoff']),
    headers: {},
  };
}

/** One of BullMQ's own; others are functions of a worker that we don't have. */
function backoffIn(value: unknown): BackoffPlan | undefined {
  const { type, delay, jitter } = (value ?? {}) as Record<string, unknown>;
  if ((type !== 'fixed' && type !== 'exponential') || typeof delay !== 'number' || !(delay >= 0)) return undefined;
  const share = typeof jitter === 'number' && jitter >= 0 && jitter <= 1 ? jitter : 0;
  return { ...DEFAULT_BACKOFF, kind: type, base: delay, max: Math.max(delay, DEFAULT_BACKOFF.max), jitter: share };
}

function optionsIn(hash: JobHash): Record<string, unknown> | undefined {
  try {
    const options: unknown = JSON.parse(hash['opts'] || '{}');
    return typeof options === 'object' && options !== null ? (options as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** The failures that were stored with a job; none where they can't be read. */
export function failuresIn(hash: JobHash): readonly FailureRecord[] {
  try {
    const failures: unknown = JSON.parse(hash[FAILURES_FIELD] ?? '[]');
    return Array.isArray(failures) ? (failures as FailureRecord[]) : [];
  } catch {
    return [];
  }
}
