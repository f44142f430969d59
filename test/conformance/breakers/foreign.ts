import type { Delivery } from '../../../lib/core/backend.js';
import { isUnreadable } from '../../../lib/core/message.js';
import type { Breaker } from '../honest.js';
import { reading, verbs } from '../changes.js';

function changingForeign(change: (delivery: Delivery) => Delivery | undefined): Breaker {
  return verbs((honest) => ({
    reserve: async (queue, max, signal) =>
      (await honest.reserve(queue, max, signal)).flatMap((delivery) => change(delivery) ?? []),
  }));
}

/** What backends do wrong with what other programs store. */
export const foreignBreakers: Readonly<Record<string, Breaker>> = {
  'gives no id to messages without one': reading(({ publishedAt }) => (publishedAt === undefined ? { id: '' } : {})),
  'leaves the headers of others behind': reading(({ publishedAt }) =>
    publishedAt === undefined ? { headers: {} } : {},
  ),
  'ignores the delays of others': reading(({ publishedAt }) =>
    publishedAt === undefined ? { readyAt: undefined } : {},
  ),
  'ignores the expirations of others': reading(({ publishedAt }) =>
    publishedAt === undefined ? { expiresAt: undefined } : {},
  ),
  'drops what it can’t read': changingForeign((delivery) => (isUnreadable(delivery.content) ? undefined : delivery)),
  'stumbles over what it can’t read': changingForeign((delivery) => {
    if (isUnreadable(delivery.content)) throw new SyntaxError('Unexpected token');
    return delivery;
  }),
  'keeps what it can’t read as text': changingForeign((delivery) => {
    const { content } = delivery;
    if (!isUnreadable(content)) return delivery;
    return { ...delivery, content: { ...content, bytes: Buffer.from(Buffer.from(content.bytes).toString()) } };
  }),
};
