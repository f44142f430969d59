/** A job as its handler sees it. */
export interface Job<Payload = unknown> {
  /** The idempotency key: a handler must bear being run twice for one id. */
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly payload: Payload;
  /** 0 is the most urgent, 4,294,967,295 the least. */
  readonly priority: number;
  /** 1 the first time. */
  readonly attempt: number;
  /** With this attempt, a retry is given up. */
  readonly maxAttempts: number;
  readonly publishedAt: Date;
  readonly expiresAt: Date | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Aborts at the job's timeout, at the end of the application's grace for closing, and when the job's lease was lost;
   * its `reason` is a `JobTimeoutError`, `JobShutdownError` or `JobLeaseLostError`.
   */
  readonly signal: AbortSignal;
}

/** What events tell of a job. */
export interface JobRef {
  readonly id: string;
  /** Undefined where the stored message can't be read. */
  readonly name: string | undefined;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;
}
