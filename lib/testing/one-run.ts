import { MemoryBackend, MemoryStore } from '../backends/memory/memory.backend.js';
import type { MemoryRecords } from '../backends/memory/memory-records.js';
import type { StoredReceipt } from '../core/backend.js';
import type { Message } from '../core/message.js';
import type { Outcome } from '../core/outcome.js';
import type { InstanceConsumer } from '../nest/instance-consumer.js';
import { LONGEST_MS, type Patience } from './patience.js';
import type { TestClock } from './test-clock.js';
import { LEASE_MS, type RunAtOnce } from './test-engine.js';

/** An engine of one job's own, which a consumer handles at once, whatever else there is and however busy its queue. */
export class OneRun extends MemoryBackend {
  private queue: string | undefined;
  private timeoutMs: number | undefined;

  /**
   * @param attempt which one the run is to be, 1 the first
   * @param records where its answer belongs; default: nowhere
   */
  constructor(
    private readonly of: InstanceConsumer,
    private readonly testClock: TestClock,
    private readonly attempt: number,
    records?: MemoryRecords,
  ) {
    super(new MemoryStore(testClock, LEASE_MS, records));
  }

  override publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    const { explorer, settings } = this.of;
    this.queue = queue;
    for (const { name, timeoutMs } of messages) {
      this.timeoutMs = timeoutMs ?? explorer.handlers.get(name)?.timeoutMs ?? settings.defaults.timeoutMs;
    }
    return super.publish(
      queue,
      messages.map((message) => ({ ...message, attemptsUsed: message.attemptsUsed + this.attempt - 1 })),
    );
  }

  /** Runs what was published; undefined where its lease was lost. */
  async outcome(patience: Patience): Promise<Outcome | undefined> {
    const queue = this.queue as string;
    const consumer = this.of.newConsumer(this);
    let outcome: Outcome | undefined;
    let over = false;
    consumer.open([{ name: queue, concurrency: 1, rawJob: undefined }], (_, ended) => {
      outcome = ended;
      over = true;
      patience.changed();
    });
    const target = this.timeoutMs === undefined ? undefined : this.testClock.now() + this.timeoutMs;
    const stuck = (): Error =>
      new Error(`run: after ${LONGEST_MS} ms the handler is still running; give it less to do, or a timeout`);
    try {
      await patience.until(() => over, target, stuck);
    } finally {
      const stopped = consumer.stop(0);
      if (over) await stopped;
      await this.close();
    }
    return outcome;
  }
}

/**
 * Runs each job that has a handler here, once the application has started; what is to run again is given back.
 *
 * @param recordsOf where their answers belong
 */
export function runAtOnce(
  consumerOf: () => InstanceConsumer,
  clock: TestClock,
  patience: Patience,
  recordsOf: () => MemoryRecords,
): RunAtOnce {
  const run = async (consumer: InstanceConsumer, queue: string, message: Message): Promise<Message | undefined> => {
    const engine = new OneRun(consumer, clock, 1, recordsOf());
    await engine.publish(queue, [message]);
    const outcome = await engine.outcome(patience);
    if (!outcome || !('at' in outcome)) return undefined;
    const costs = outcome.kind === 'retried' ? 1 : 0;
    return { ...message, attemptsUsed: message.attemptsUsed + costs, readyAt: outcome.at };
  };
  return (queue, message) => {
    const consumer = consumerOf();
    const known = consumer.explorer.handlers.get(message.name);
    return known && consumer.isRunning ? run(consumer, queue, message) : undefined;
  };
}
