import type { Delivery } from './backend.js';
import type { ConsumerContext } from './consumer-context.js';
import type { Handler } from './handlers.js';
import type { JobRef } from './job.js';
import type { ReceivedMessage } from './message.js';
import type { Case } from './outcome.js';

/** What has to be known of a run to decide what becomes of it. */
export function caseOf(
  ref: JobRef,
  message: ReceivedMessage | undefined,
  { storedAt }: Delivery,
  handler: Handler | undefined,
  { clock, defaults, rules }: ConsumerContext,
): Case {
  const now = clock.now();
  const publishedAt = message?.publishedAt ?? storedAt;
  return {
    name: ref.name ?? '',
    queue: ref.queue,
    attempt: ref.attempt,
    maxAttempts: ref.maxAttempts,
    // A message of others may name a moment of the future, from which no grace would ever come to its end.
    publishedAt: publishedAt > now ? storedAt : publishedAt,
    expiresAt: message?.expiresAt,
    backoff: message?.backoff ?? handler?.backoff ?? defaults.backoff,
    forwardTo: handler?.forwardTo,
    // Field by field: to spread them amid the others takes longer than all the rest of this.
    errors: rules.errors,
    blockedForMs: rules.blockedForMs,
    unknownJobGraceMs: rules.unknownJobGraceMs,
    now,
    random: Math.random(),
  };
}
