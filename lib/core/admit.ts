import type { Delivery } from './backend.js';
import { DEFAULT_PRIORITY, isUnreadable, type ReceivedMessage, type Unreadable } from './message.js';
import { textOf } from './message-decoding.js';
import type { Ending } from './outcome.js';
import { oldestAt } from './queue-limits.js';

/**
 * What to handle of a delivery's content: the message, or, where the queue has the option `rawJob`, what is no message
 * as the payload of a job of that name: parsed JSON, else the text.
 */
export function readContent(delivery: Delivery, rawJob: string | undefined): ReceivedMessage | Unreadable {
  const { content } = delivery;
  if (rawJob === undefined || !isUnreadable(content) || content.kind !== 'foreign') return content;
  return {
    id: content.id,
    name: rawJob,
    payload: rawPayload(textOf(content.bytes) ?? ''),
    priority: DEFAULT_PRIORITY,
    attemptsUsed: 0,
    headers: {},
  };
}

function rawPayload(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Why a message is not to be handled now; undefined where it is. Pure.
 *
 * @param maxAgeMs how long it may have waited since it could have started first
 */
export function admit(
  message: ReceivedMessage,
  delivery: Delivery,
  handler: { readonly maxAttempts: number } | undefined,
  now: number,
  maxAgeMs?: number,
): Ending | undefined {
  const expiresAt = maxAgeMs === undefined ? message.expiresAt : notAfter(message, delivery, maxAgeMs);
  if (expiresAt !== undefined && now > expiresAt) return { kind: 'late', expiresAt };
  if (message.readyAt !== undefined && now < message.readyAt) return { kind: 'early', readyAt: message.readyAt };
  if (!handler) return { kind: 'unknown' };
  if (delivery.attempt > handler.maxAttempts) return { kind: 'spent' };
  return undefined;
}

function notAfter(
  { publishedAt, readyAt, expiresAt }: ReceivedMessage,
  { storedAt }: Delivery,
  maxAgeMs: number,
): number {
  const startsAt = Math.max(publishedAt ?? storedAt, readyAt ?? -Infinity);
  return Math.min(expiresAt ?? Infinity, oldestAt(startsAt, maxAgeMs));
}
