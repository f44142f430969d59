import { isUnreadable } from '../../../lib/core/message.js';
import type { Breaker } from '../honest.js';
import { delivering, note, publishing, reading, verbs } from '../changes.js';

function mapJson(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => mapJson(item, change));
  if (typeof value !== 'object' || value === null) return change(value);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [change(key), mapJson(item, change)]));
}

function changing(change: (value: unknown) => unknown): Breaker {
  return reading(({ payload }) => ({ payload: mapJson(payload, change) }));
}

function onTexts(change: (text: string) => string): Breaker {
  return changing((value) => (typeof value === 'string' ? change(value) : value));
}

function depth(text: string): number {
  let most = 0;
  let now = 0;
  for (const character of text) {
    if (character === '[' || character === '{') most = Math.max(most, ++now);
    if (character === ']' || character === '}') now--;
  }
  return most;
}

function ontoQueues(nameOf: (queue: string) => string): Breaker {
  return verbs((honest) => ({
    publish: (queue, messages) => honest.publish(nameOf(queue), messages),
    reserve: async (queue, max, signal) =>
      (await honest.reserve(nameOf(queue), max, signal)).map((delivery) => ({ ...delivery, queue })),
    settle: (delivery, settlement) => honest.settle({ ...delivery, queue: nameOf(delivery.queue) }, settlement),
    extend: (delivery) => honest.extend({ ...delivery, queue: nameOf(delivery.queue) }),
  }));
}

/** What backends do wrong with bytes, texts and names. */
export const bytesBreakers: Readonly<Record<string, Breaker>> = {
  'ends texts at NUL': onTexts((text) => text.split('\0', 1)[0] ?? ''),
  'repairs lone surrogates': onTexts((text) => Buffer.from(text).toString()),
  'takes lines for lines': onTexts((text) => text.replaceAll('\r\n', '\n')),
  'drops a byte order mark': onTexts((text) => text.replace(/^\uFEFF/, '')),
  'keeps numbers in four bytes': changing((value) => (typeof value === 'number' ? Math.fround(value) : value)),
  'takes null for nothing': reading(({ payload }) => ({ payload: payload ?? {} })),
  'parses texts that look like JSON': reading(({ payload }) => {
    if (typeof payload !== 'string' || !payload.startsWith('{')) return {};
    return { payload: JSON.parse(payload) as unknown };
  }),
  'copies properties by assignment': reading(({ payload }) => {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return {};
    const copy: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(payload)) copy[key] = value;
    return { payload: copy };
  }),
  'sorts properties': reading(({ payload }) => {
    if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) return {};
    return { payload: Object.fromEntries(Object.entries(payload).sort(([a], [b]) => (a < b ? -1 : 1))) };
  }),
  'unwraps payloads that look like messages': reading(({ payload }) => {
    const inner = payload as { header?: unknown; body?: unknown } | null;
    return inner?.header === undefined ? {} : { payload: inner.body };
  }),
  'gives up on deep nesting': publishing((message) =>
    depth(message.body) > 128 ? { ...message, body: 'null' } : message,
  ),
  'truncates at 64 KB': reading(({ payload }) =>
    typeof payload === 'string' ? { payload: Buffer.from(payload).subarray(0, 65_536).toString() } : {},
  ),
  'truncates names': reading(({ name, id }) => ({ name: name.slice(0, 64), id: id.slice(0, 64) })),
  'takes queue names without their case': ontoQueues((queue) => queue.toLowerCase()),
  'takes queue names up to the first dot': ontoQueues((queue) => queue.split('.', 1)[0] ?? ''),
  'gives every receiver the same payload': delivering((delivery, store) => {
    if (isUnreadable(delivery.content)) return delivery;
    const payloads = note(store, 'payloads', () => new Map<string, unknown>());
    const key = `${delivery.queue}/${delivery.content.id}`;
    if (!payloads.has(key)) payloads.set(key, delivery.content.payload);
    return { ...delivery, content: { ...delivery.content, payload: payloads.get(key) } };
  }),
  'keeps only the payload of what comes back': reading((_, { attempt }) =>
    attempt === 1 ? {} : { headers: {}, maxAttempts: undefined, timeoutMs: undefined, priority: 1024 },
  ),
};
