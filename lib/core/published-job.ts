import { JobResultNotKeptError, type AskedJob } from './answer-errors.js';
import type { Answers, AskedAnswer, ResultOptions } from './answers.js';
import type { LimitedReceipt } from './queue-limits.js';
import type { Draft } from './publish-options.js';

/** A job that was published, here or elsewhere, and what it answers. */
export interface JobHandle<Result = unknown> {
  readonly id: string;
  readonly name: string;
  readonly queue: string;

  /**
   * Waits for the job's end, and gives what its handler returned, from whichever process: what JSON keeps of it.
   *
   * @throws JobFailedError where the job failed; it has the name, the message and the stack of the error there
   * @throws JobExpiredError where it expired
   * @throws JobResultTimeoutError where there is no answer in time; the job may still run
   * @throws JobResultNotKeptError at once, where the job was published without `keepResult`
   * @throws JobResultClosedError where the application closes meanwhile
   */
  result(options?: ResultOptions): Promise<Result>;

  /**
   * What the handler says by `job.progress(value)`: the latest value, then each later one, but for those that were
   * followed by another before they were read. Ends with the job.
   *
   * @throws as `result`, but for the end of the job and a timeout
   */
  progress<Value = unknown>(options?: { readonly signal?: AbortSignal }): AsyncIterable<Value>;

  /**
   * The lines that the handler has logged by `job.log(line)` so far, at most the last 200.
   *
   * @throws JobResultNotKeptError where the job was published without `keepResult`
   */
  log(): Promise<readonly string[]>;
}

/** What `publish` tells of a job. */
export interface PublishedJob<Result = unknown> extends JobHandle<Result> {
  readonly priority: number;
  /** When it may start; undefined: at once. */
  readonly readyAt: Date | undefined;
  /** After this it is not started any more; undefined: never expires. */
  readonly expiresAt: Date | undefined;
  /** True: a job of this id lives in the queue already, so this one was not stored. Undefined: the engine can't tell. */
  readonly duplicate: boolean | undefined;
  /** True: not stored, for the queue is full, and its `whenFull` is `'drop-newest'`. */
  readonly dropped?: boolean;
}

/** Where an answer is looked for. */
interface AskedPlace {
  readonly key: string;
  /** The stamp of the job; undefined: whichever has the id. */
  readonly since: string | undefined;
}

/** The verbs of a handle; on the prototype, so that its own properties are what it tells. */
class AnsweringJob implements JobHandle {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly #place: AskedPlace | undefined;
  readonly #answers: Answers;

  /** @param place undefined: it keeps no answer */
  constructor(job: AskedJob, place: AskedPlace | undefined, answers: Answers) {
    this.id = job.id;
    this.name = job.name;
    this.queue = job.queue;
    this.#place = place;
    this.#answers = answers;
  }

  async result(options?: ResultOptions): Promise<unknown> {
    return this.#answers.result(this.#asked(), options);
  }

  async *progress<Value>(options?: { readonly signal?: AbortSignal }): AsyncGenerator<Value> {
    yield* this.#answers.progress(this.#asked(), options) as AsyncGenerator<Value>;
  }

  async log(): Promise<readonly string[]> {
    return this.#answers.log(this.#asked());
  }

  /** @throws JobResultNotKeptError */
  #asked(): AskedAnswer {
    if (!this.#place) throw new JobResultNotKeptError(this);
    return { id: this.id, name: this.name, queue: this.queue, ...this.#place };
  }
}

/** A handle of a job that was published elsewhere or earlier. */
export function jobHandle(asked: AskedAnswer, answers: Answers): JobHandle {
  return new AnsweringJob(asked, asked, answers);
}

/** A handle of a job that was published just now. */
export class JustPublishedJob extends AnsweringJob implements PublishedJob {
  readonly priority: number;
  readonly readyAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly duplicate: boolean | undefined;
  declare readonly dropped?: boolean;

  constructor({ queue, message, answer }: Draft, receipt: LimitedReceipt | undefined, answers: Answers) {
    const duplicate = receipt?.duplicate;
    const { id, name } = message;
    const isForAll = answer !== undefined && answer.address === undefined;
    // Of a duplicate, the answer is that of the job that lives already.
    const place = isForAll ? { key: answer.key, since: duplicate ? undefined : answer.stamp } : undefined;
    super({ id, name, queue }, place, answers);
    this.priority = message.priority;
    this.readyAt = date(message.readyAt);
    this.expiresAt = date(message.expiresAt);
    this.duplicate = duplicate;
    if (receipt?.dropped) this.dropped = true;
  }
}

function date(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
