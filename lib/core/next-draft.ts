import { answerHeaders, answerPlaceOf } from './answer-record.js';
import { isDefinition } from './definition.js';
import { nextName, type Forward } from './forward.js';
import { withoutOurs } from './handled-job.js';
import type { ReceivedMessage } from './message.js';
import { draftOf, type Draft, type PublishRules } from './publish-options.js';

/**
 * What is to be stored for a job that goes on as another, under the same id. Pure.
 *
 * @param now milliseconds since 1970
 * @throws TypeError naming the option, what was expected and what was given
 */
export function nextDraftOf(
  from: ReceivedMessage,
  fromQueue: string,
  next: Forward,
  rules: PublishRules,
  now: number,
): Draft {
  for (const option of ['id', 'unique']) {
    if (option in next.options) {
      throw new TypeError(`unknown option "${option}": the next job has the id of the one before it`);
    }
  }
  const place = answerPlaceOf(fromQueue, from);
  const definition = isDefinition(next.job) ? next.job : undefined;
  const inherited = { ...rules, defaults: { ...rules.defaults, priority: from.priority } };
  const { answer, queue, message } = draftOf(nextName(next), definition, next.payload, next.options, inherited, now);
  return {
    queue,
    message: {
      ...message,
      // As it is: that of another program may be none that we would give.
      id: from.id,
      freshId: false,
      expiresAt: message.expiresAt ?? from.expiresAt,
      // The answer belongs to the first one's caller.
      headers: { ...withoutOurs(from.headers), ...message.headers, ...(place && answerHeaders(place)) },
    },
    // That of the first is the whole chain's.
    answer: place ? undefined : answer,
  };
}
