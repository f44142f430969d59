import type { Load, QueueLimits } from './queue-limits.js';

/** A job was not published, or it is not known whether it was. */
export class PublishError extends Error {
  override readonly name: string = 'PublishError';
  /** Whether the job, or of several those beyond `stored`, may have been stored all the same. */
  readonly maybeStored: boolean;
  /** How many jobs were surely stored, the first ones in their order. */
  readonly stored: number;
  /**
   * Whether the engine was asked and failed, so that trying again may help.
   *
   * @internal
   */
  readonly tried: boolean;

  constructor(
    message: string,
    options: { maybeStored?: boolean; stored?: number; tried?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.maybeStored = options.maybeStored ?? false;
    this.stored = options.stored ?? 0;
    this.tried = options.tried ?? false;
  }
}

/** A job was not published, for its queue was full, and stayed so as long as the publisher would wait. */
export class QueueFullError extends PublishError {
  override readonly name: string = 'QueueFullError';
  readonly queue: string;
  /** The limits of the queue in this process. */
  readonly limits: Pick<QueueLimits, 'maxJobs' | 'maxBytes'>;
  /** What waited in the queue when it was last asked. */
  readonly waiting: { readonly jobs: number; readonly bytes: number | undefined };

  /** @param stored how many jobs of the same call were stored before */
  constructor(queue: string, { maxJobs, maxBytes }: QueueLimits, { jobs, bytes }: Load, why: string, stored = 0) {
    super(`not published: queue "${queue}" is full: ${why}`, { stored });
    this.queue = queue;
    this.limits = { maxJobs, maxBytes };
    this.waiting = { jobs, bytes: maxBytes === undefined ? undefined : bytes };
  }
}
