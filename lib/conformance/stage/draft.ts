import assert from 'node:assert/strict';
import type { Delivery } from '../../core/backend.js';
import { newId } from '../../core/id.js';
import { DEFAULT_PRIORITY, isUnreadable, type Message, type ReceivedMessage } from '../../core/message.js';

/** What a scenario says of a message; the rest is filled in. */
export interface Draft extends Partial<Omit<Message, 'body'>> {
  /** Default: null. */
  readonly payload?: unknown;
}

/** A message as the core would make it at `now`. */
export function messageOf({ payload = null, ...draft }: Draft, now: number): Message {
  return {
    id: newId(),
    name: 'job',
    body: JSON.stringify(payload),
    priority: DEFAULT_PRIORITY,
    publishedAt: now,
    attemptsUsed: 0,
    headers: {},
    ...draft,
  };
}

/** The message of a delivery that has to be readable. */
export function contentOf({ content }: Delivery): ReceivedMessage {
  assert.ok(!isUnreadable(content), `expected a message, got what can't be read: ${JSON.stringify(content)}`);
  return content;
}

/** The payloads of deliveries, in their order. */
export function payloadsOf(deliveries: readonly Delivery[]): unknown[] {
  return deliveries.map((delivery) => contentOf(delivery).payload);
}

/** The attempts of deliveries, in their order. */
export function attemptsOf(deliveries: readonly Delivery[]): number[] {
  return deliveries.map(({ attempt }) => attempt);
}

/** The numbers from 0 to `count` - 1. */
export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}

/** The values in ascending order: numbers by size, others by their text. */
export function sorted<T>(values: readonly T[]): T[] {
  return [...values].sort((a, b) => {
    if (typeof a === 'number' && typeof b === 'number') return a - b;
    return String(a) < String(b) ? -1 : 1;
  });
}
