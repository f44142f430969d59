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

  /**
   * Tells how far it is: by the event `progress` and, where the job keeps its result, to whoever follows
   * `progress()` of what `publish` gives. A value that JSON can keep; one that it can't is not told, and the log says so.
   * It may be called at any rate: of what comes faster than it is stored, the last is. Never throws.
   */
  progress(value: unknown): void;

  /**
   * Logs a line: by the event `log` and, where the job keeps its result, for `log()` of what `publish` gives, which has
   * the last 200 lines, of all attempts. A line is cut after 4,000 characters. Never throws.
   */
  log(line: string): void;
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
