import type { BackoffPlan } from '../core/backoff.js';
import { withoutOurs } from '../core/handled-job.js';
import type { Message } from '../core/message.js';

/** A job that was published in a test. */
export interface TestedJob<Payload = unknown> {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  /** What is stored: what JSON has kept of it, before a schema makes of it what the handler gets. */
  readonly payload: Payload;
  readonly options: TestedOptions;
  readonly publishedAt: Date;
  /** True: a job of this id lived in the queue already, so that this one was not stored. */
  readonly duplicate: boolean;
}

/** What it was published with. Durations are milliseconds, counted from its publishing. */
export interface TestedOptions {
  readonly delay: number | undefined;
  readonly expiration: number | undefined;
  readonly priority: number;
  readonly attempts: number | undefined;
  readonly backoff: BackoffPlan | undefined;
  readonly timeout: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export function testedJob(queue: string, message: Message, duplicate: boolean): TestedJob {
  const publishedAt = message.publishedAt ?? 0;
  const fromThen = (time: number | undefined): number | undefined => (time === undefined ? time : time - publishedAt);
  return {
    id: message.id,
    name: message.name,
    queue,
    payload: JSON.parse(message.body) as unknown,
    options: {
      delay: fromThen(message.readyAt),
      expiration: fromThen(message.expiresAt),
      priority: message.priority,
      attempts: message.maxAttempts,
      backoff: message.backoff,
      timeout: message.timeoutMs,
      headers: withoutOurs(message.headers),
    },
    publishedAt: new Date(publishedAt),
    duplicate,
  };
}
