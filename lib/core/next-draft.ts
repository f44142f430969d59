import { isDefinition } from './definition.js';
import { nextName, type Forward } from './forward.js';
import { withoutOurs } from './handled-job.js';
import { OWN_HEADERS, type ReceivedMessage } from './message.js';
import { draftOf, type Draft, type PublishRules } from './publish-options.js';

/** What was promised of the answer is kept by the last job of a chain; what else goes along is the first one's own. */
const CARRIED: ReadonlySet<string> = new Set(['keep_result', 'answer_key']);

/**
 * What is to be stored for a job that goes on as another, under the same id. Pure.
 *
 * @param now milliseconds since 1970
 * @throws TypeError naming the option, what was expected and what was given
 */
export function nextDraftOf(from: ReceivedMessage, next: Forward, rules: PublishRules, now: number): Draft {
  if ('id' in next.options) throw new TypeError('unknown option "id": the next job has the id of the one before it');
  const definition = isDefinition(next.job) ? next.job : undefined;
  const inherited = { ...rules, defaults: { ...rules.defaults, priority: from.priority } };
  const { queue, message } = draftOf(nextName(next), definition, next.payload, next.options, inherited, now);
  return {
    queue,
    message: {
      ...message,
      // As it is: that of another program may be none that we would give.
      id: from.id,
      freshId: false,
      expiresAt: message.expiresAt ?? from.expiresAt,
      headers: { ...carried(from.headers), ...withoutOurs(message.headers) },
    },
    // That of the first is the whole chain's.
    answer: undefined,
  };
}

function carried(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name) || CARRIED.has(name)));
}
