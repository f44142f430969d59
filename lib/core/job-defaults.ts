import { DEFAULT_BACKOFF } from './backoff.js';
import { checkedHandlerOptions } from './handler-options.js';
import type { JobDefaults } from './handlers.js';
import { DEFAULT_PRIORITY } from './message.js';

/**
 * The option `defaults`, checked and complete.
 *
 * @throws TypeError naming the option, what was expected and what was given
 */
export function jobDefaults(value: unknown): JobDefaults {
  const given = checkedHandlerOptions(value, 'defaults');
  if (given.rate) throw new TypeError('defaults.rate: expected the rate of a queue or of a handler, got one of all');
  if (given.forwardTo !== undefined) {
    throw new TypeError(
      'defaults.forwardTo: expected nothing, for each job would go on for ever; give it to a handler',
    );
  }
  return {
    queue: given.queue ?? 'default',
    priority: given.priority ?? DEFAULT_PRIORITY,
    attempts: given.attempts ?? 20,
    backoff: given.backoff ?? DEFAULT_BACKOFF,
    timeoutMs: given.timeoutMs,
    concurrency: given.concurrency ?? 10,
    keepResultMs: given.keepResultMs,
  };
}
