import { answerPlaceOf } from '../core/answer-record.js';
import type { AskedJob } from '../core/answer-errors.js';
import { receive, type Message } from '../core/message.js';
import { recordsWith, type Records } from '../core/records.js';

/** As they are when this is loaded, for a runner's fake timers replace them later. */
const { setInterval, clearInterval } = globalThis;

/** After how long it is said that a caller waits in vain, in milliseconds. */
const SAID_AFTER_MS = 1_000;

/** Says who waits for the answer of a job that is due and that nobody has run: in a time that stands still, for ever. */
export class WaitingCalls {
  /** The jobs that keep an answer, by its key. */
  private readonly jobs = new Map<string, AskedJob>();

  /** @param isLeft whether jobs of a queue are due, and nobody runs them */
  constructor(
    private readonly isLeft: (queue: string) => boolean,
    private readonly say: (message: string) => void,
  ) {}

  published(queue: string, message: Message): void {
    const place = answerPlaceOf(queue, receive(message));
    if (place) this.jobs.set(place.key, { id: message.id, name: message.name, queue });
  }

  clear(): void {
    this.jobs.clear();
  }

  /** The same records, of which it is heard who waits for an answer. */
  heardOf(records: Records): Records {
    return recordsWith(records, {
      watch: async (key, listener) => {
        const leave = await records.watch(key, listener);
        const answered = this.waits(key);
        return () => {
          answered();
          leave();
        };
      },
    });
  }

  /** @returns what is to be called once nobody waits any more */
  private waits(key: string): () => void {
    const looking = setInterval(() => {
      const job = this.jobs.get(key);
      if (!job || !this.isLeft(job.queue)) return;
      clearInterval(looking);
      this.say(
        `The answer of job "${job.name}" with id "${job.id}" is waited for, which nobody runs: in mode 'memory' drain() does. ` +
          'Await it after that: const answer = publisher.call(…); await jobs.drain(); await answer;',
      );
    }, SAID_AFTER_MS).unref();
    return () => clearInterval(looking);
  }
}
