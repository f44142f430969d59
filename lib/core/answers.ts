import {
  JobExpiredError,
  JobFailedError,
  JobResultClosedError,
  JobResultNotKeptError,
  JobResultTimeoutError,
  type AskedJob,
} from './answer-errors.js';
import { noteKey, readNote, type Answer, type LogNote, type ProgressNote } from './answer-record.js';
import type { Backend } from './backend.js';
import { checkedObject } from './checked-object.js';
import { systemClock, type Clock } from './clock.js';
import { durationMs, type Duration } from './duration.js';
import type { Letters } from './letters.js';
import { progressOf } from './progress.js';
import { onAbort } from './on-abort.js';
import type { Records } from './records.js';
import { RecordWatches } from './record-watches.js';
import { show } from './show.js';

/** How long, and until when, a result is waited for. */
export interface ResultOptions {
  /** Default `'1m'`. */
  readonly timeout?: Duration;
  /** Ends the wait with its reason. The job goes on. */
  readonly signal?: AbortSignal;
}

/** Which answer is asked for. */
export interface AskedAnswer extends AskedJob {
  readonly key: string;
  /** The stamp of the job; undefined: whichever has the id. */
  readonly since: string | undefined;
  /** Where it is sent to this process; undefined: it is a record. */
  readonly letters?: Letters | undefined;
}

/** The same, checked. */
export interface CheckedWait {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_TIMEOUT_MS = 60_000;

/** What the jobs of an application answer to those who published them; ends all waits when it closes. */
export class Answers {
  private readonly watches: RecordWatches;
  private readonly closing = new AbortController();
  /** What ends each wait for an answer; a listener to a signal is dear. */
  private readonly waits = new Set<() => void>();

  constructor(
    private readonly backend: () => Backend | Promise<Backend>,
    private readonly clock: Clock = systemClock,
  ) {
    this.watches = new RecordWatches(() => this.records(), clock);
  }

  /** Ends all waits at once; those that come later end at once, too. */
  close(): void {
    this.closing.abort();
    for (const end of [...this.waits]) end();
  }

  /** @throws JobResultClosedError where nothing is waited for any more */
  checkOpen(asked: AskedJob): void {
    if (this.closing.signal.aborted) throw new JobResultClosedError(asked);
  }

  async result(asked: AskedAnswer, options: ResultOptions = {}): Promise<unknown> {
    return this.awaited(asked, checkedWait(options));
  }

  /** @param begun is given what ends the wait where nobody wants to know any more; it then rejects with that reason */
  async awaited(
    asked: AskedAnswer,
    { timeoutMs, signal }: CheckedWait,
    begun?: (abandon: (reason: unknown) => void) => void,
  ): Promise<unknown> {
    this.checkOpen(asked);
    signal?.throwIfAborted();
    const answer = await this.answer(asked, timeoutMs, signal, begun);
    switch (answer.state) {
      case 'completed':
        return answer.result;
      case 'failed':
        throw new JobFailedError(asked, answer.reason, answer.error, answer.attempts);
      case 'expired':
        throw new JobExpiredError(asked, answer.reason, answer.attempts);
    }
  }

  async *progress(asked: AskedAnswer, options: { readonly signal?: AbortSignal } = {}): AsyncGenerator<unknown> {
    const { signal } = checkedObject(options, ['signal'], 'progress') as { signal?: AbortSignal };
    this.checkOpen(asked);
    yield* progressOf(this.watches, {
      noteKey: noteKey('progress', asked.key),
      endKey: asked.key,
      read: (text) => readNote<ProgressNote>(text, asked.since),
      isEnd: (text) => readNote<Answer>(text, asked.since) !== undefined,
      signals: [this.closing.signal, ...(signal ? [signal] : [])],
      ended: () => (signal?.aborted ? signal.reason : new JobResultClosedError(asked)) as unknown,
    });
  }

  async log(asked: AskedAnswer): Promise<readonly string[]> {
    this.checkOpen(asked);
    const records = await this.records();
    const record = await records.get(noteKey('log', asked.key));
    return readNote<LogNote>(record?.text, asked.since)?.lines ?? [];
  }

  private answer(
    asked: AskedAnswer,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    begun: ((abandon: (reason: unknown) => void) => void) | undefined,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let failure: unknown;
      const end = (): void => {
        leave();
        cancel();
        unhear?.();
        this.waits.delete(closed);
      };
      const fail = (error: unknown): void => {
        end();
        reject(error);
      };
      const aborted = (): void => fail(signal?.reason);
      const closed = (): void => fail(new JobResultClosedError(asked));
      const heard = (text: string | undefined): void => {
        failure = undefined;
        const answer = readNote<Answer>(text, asked.since);
        if (!answer) return;
        end();
        resolve(answer);
      };
      const failed = (error: unknown): void => {
        failure = error;
        if (error instanceof NoRecordsError) fail(new JobResultNotKeptError(asked, error.message));
      };
      const cancel = this.clock.after(timeoutMs, () => fail(new JobResultTimeoutError(asked, timeoutMs, failure)));
      const unhear = signal && onAbort(signal, aborted);
      this.waits.add(closed);
      const leave = asked.letters?.hear(asked.key, heard) ?? this.watches.join(asked.key, heard, failed);
      begun?.(fail);
    });
  }

  private async records(): Promise<Records> {
    const backend = await this.backend();
    if (backend.records) return backend.records;
    throw new NoRecordsError(withoutRecords(backend));
  }
}

/** The engine keeps none, now and later. */
class NoRecordsError extends Error {}

/** Why results are not kept where the engine has no records. */
export function withoutRecords({ traits }: Backend): string {
  return (
    `the backend ${traits.name} keeps no records, which answers need; ` +
    'of those that come with nestjs-jobs, memory, filer, bullmq and beanstalkd do'
  );
}

/** @throws TypeError naming the option, what was expected and what was given */
export function checkedWait(options: unknown): CheckedWait {
  const { timeout, signal } = checkedObject(options, ['timeout', 'signal'], 'result');
  const timeoutMs = timeout === undefined ? DEFAULT_TIMEOUT_MS : durationMs(timeout, 'timeout');
  if (signal === undefined) return { timeoutMs };
  if (signal instanceof AbortSignal) return { timeoutMs, signal };
  throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
}
