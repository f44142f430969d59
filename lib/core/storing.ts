import { BackendError, type Backend, type StoredReceipt } from './backend.js';
import type { Clock } from './clock.js';
import { messageOf } from './errors.js';
import { inTime } from './in-time.js';
import type { LimitedQueues, RoomPatience } from './limited-queues.js';
import type { Message } from './message.js';
import { PublishError } from './publish-error.js';
import type { Draft } from './publish-options.js';
import type { LimitedReceipt } from './queue-limits.js';
import type { Unique } from './unique.js';
import { publishUnique, type UniqueReceipt } from './unique-publishing.js';

/** What storing needs. */
export interface StoringSetup {
  /** The backend, opened at the latest now. */
  readonly backend: () => Backend | Promise<Backend>;
  readonly clock: Clock;
  readonly publishTimeoutMs: number;
  /** Those that have limits. */
  readonly limited?: LimitedQueues | undefined;
}

/** Gives what was drafted to the backend, within the time that publishing may take. Everything rejects with a PublishError. */
export class Storing {
  /** Once it is open. */
  backend: Backend | undefined;

  constructor(private readonly setup: StoringSetup) {}

  async open(): Promise<Backend> {
    const { backend, publishTimeoutMs } = this.setup;
    const late = (): PublishError =>
      new PublishError(`not published: no backend within ${publishTimeoutMs} ms`, { tried: true });
    try {
      this.backend = await inTime(Promise.resolve(backend()), publishTimeoutMs, late);
      return this.backend;
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      throw new PublishError(`not published: ${messageOf(cause)}`, { tried: true, cause });
    }
  }

  /**
   * As the limits of the queue say, where it has any.
   *
   * @param patience how long it waits for room; default: as long as publishing may take
   */
  storeInRoom(
    backend: Backend,
    queue: string,
    messages: readonly Message[],
    before: number,
    patience?: RoomPatience,
  ): Promise<readonly LimitedReceipt[]> {
    const { limited, publishTimeoutMs } = this.setup;
    if (!limited?.bounds(queue)) return this.store(backend, queue, messages, before);
    return limited
      .publish(backend, queue, messages, {
        patience: patience ?? { ms: publishTimeoutMs },
        stored: before,
        heed: (work, stored) => this.heed(backend, queue, work, stored),
      })
      .catch((cause: unknown) => {
        if (cause instanceof PublishError) throw cause;
        throw new PublishError(`not published to queue "${queue}" of ${backend.traits.name}: ${messageOf(cause)}`, {
          stored: before,
          cause,
        });
      });
  }

  /** Unless another has its unique key. */
  storeUnique(backend: Backend, draft: Draft, unique: Unique, before: number): Promise<UniqueReceipt> {
    const { records, traits } = backend;
    const { queue, message } = draft;
    if (!records) {
      throw new PublishError(
        `job "${message.name}" not published: ${traits.name} keeps no records, so it can't tell whether a job is unique`,
        { stored: before },
      );
    }
    const { clock, publishTimeoutMs } = this.setup;
    return inTime(
      publishUnique(records, draft, unique, clock.now(), async () => {
        const [stored] = await this.storeInRoom(backend, queue, [message], before);
        return stored ?? { duplicate: undefined };
      }),
      publishTimeoutMs,
      () => this.late(backend, before),
      (cause) => (cause instanceof PublishError ? cause : this.failed(backend, queue, before, cause)),
    );
  }

  private store(
    backend: Backend,
    queue: string,
    messages: readonly Message[],
    before: number,
  ): Promise<readonly StoredReceipt[]> {
    // No promise of its own: each takes as long as the check of the options does.
    try {
      return this.heed(backend, queue, backend.publish(queue, messages), before);
    } catch (cause) {
      return Promise.reject(this.failed(backend, queue, before, cause));
    }
  }

  private heed(
    backend: Backend,
    queue: string,
    work: Promise<readonly StoredReceipt[]>,
    before: number,
  ): Promise<readonly StoredReceipt[]> {
    return inTime(
      work,
      this.setup.publishTimeoutMs,
      () => this.late(backend, before),
      (cause) => this.failed(backend, queue, before, cause),
    );
  }

  private late({ traits }: Backend, before: number): PublishError {
    return new PublishError(`no answer of ${traits.name} within ${this.setup.publishTimeoutMs} ms`, {
      maybeStored: true,
      stored: before,
      tried: true,
    });
  }

  private failed({ traits }: Backend, queue: string, before: number, cause: unknown): PublishError {
    const known = cause instanceof BackendError;
    return new PublishError(`not published to queue "${queue}" of ${traits.name}: ${messageOf(cause)}`, {
      maybeStored: known ? cause.maybeStored : true,
      stored: before + (known ? cause.stored : 0),
      tried: true,
      cause,
    });
  }
}
