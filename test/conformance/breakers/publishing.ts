import type { Breaker } from '../honest.js';
import { never, note, publishing, reading, turns, verbs } from '../changes.js';

/** What backends do wrong when they take messages in. */
export const publishingBreakers: Readonly<Record<string, Breaker>> = {
  'loses every third job': verbs((honest, store) => {
    const counted = note(store, 'published', () => ({ count: 0 }));
    return {
      publish: async (queue, messages) => {
        const receipts = await honest.publish(
          queue,
          messages.filter(() => ++counted.count % 3 !== 0),
        );
        return messages.map((_, index) => receipts[index] ?? { duplicate: false });
      },
    };
  }),
  'never answers a publish': verbs(() => ({ publish: never })),
  'gives one receipt for all messages': verbs((honest) => ({
    publish: async (queue, messages) => (await honest.publish(queue, messages)).slice(0, 1),
  })),
  'stores many backwards': verbs((honest) => ({
    publish: async (queue, messages) => [...(await honest.publish(queue, [...messages].reverse()))].reverse(),
  })),
  'lets publishes overtake each other': verbs((honest, store) => {
    const counted = note(store, 'calls', () => ({ count: 0 }));
    return {
      publish: async (queue, messages) => {
        await turns(4 - (counted.count++ % 4));
        return honest.publish(queue, messages);
      },
    };
  }),
  'loses what is published at the same time': verbs((honest, store) => {
    const busy = note(store, 'busy', () => new Set<string>());
    return {
      publish: async (queue, messages) => {
        if (busy.has(queue)) return messages.map(() => ({ duplicate: false }));
        busy.add(queue);
        try {
          await turns(1);
          return await honest.publish(queue, messages);
        } finally {
          busy.delete(queue);
        }
      },
    };
  }),
  'gives each job an id of its own': reading(({ id }) => ({ id: `job:${id}` })),
  'drops headers': publishing((message) => ({ ...message, headers: {} })),
  'copies headers by assignment': reading(({ headers }) => {
    const copy: Record<string, string> = {};
    for (const [name, value] of Object.entries(headers)) copy[name] = value;
    return { headers: copy };
  }),
  'drops attempts, backoff and timeout': publishing((message) => ({
    ...message,
    maxAttempts: undefined,
    backoff: undefined,
    timeoutMs: undefined,
  })),
  'decides what the job left open': reading(({ maxAttempts }) => ({ maxAttempts: maxAttempts ?? 20 })),
  'cuts times to seconds': reading(({ publishedAt, expiresAt }) => ({
    publishedAt: publishedAt && Math.floor(publishedAt / 1000) * 1000,
    expiresAt: expiresAt && Math.floor(expiresAt / 1000) * 1000,
  })),
  'drops the expiration': publishing((message) => ({ ...message, expiresAt: undefined })),
  'forgets priorities': reading(() => ({ priority: 1024 })),
  'takes the hand-out for the time of storing': verbs((honest, { clock }) => ({
    reserve: async (queue, max, signal) =>
      (await honest.reserve(queue, max, signal)).map((delivery) => ({ ...delivery, storedAt: clock.now() })),
  })),
};
