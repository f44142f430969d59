import type { Breaker } from '../honest.js';
import { publishing } from '../changes.js';
import { keeping } from './records.js';

/** What backends do wrong that shows in answers alone. */
export const resultsBreakers: Readonly<Record<string, Breaker>> = {
  'ends records early a lot': keeping((honest) => ({
    set: (key, text, ttlMs) => honest.set(key, text, ttlMs / 3),
  })),
  'makes up answers': keeping((honest, { clock }) => ({
    get: async (key) =>
      (await honest.get(key)) ?? { text: '{"state":"completed","attempts":1}', expiresAt: clock.now() + 1 },
  })),
  'drops stamps of answers': publishing((message) => {
    const { answer_key: key, ...others } = message.headers;
    return key === undefined ? message : { ...message, headers: others };
  }),
};
