import { MemoryBackend, MemoryStore } from '../backends/memory/memory.backend.js';
import type { StoredReceipt } from '../core/backend.js';
import type { Message } from '../core/message.js';
import type { Outcome } from '../core/outcome.js';
import type { InstanceConsumer } from '../nest/instance-consumer.js';
import { LONGEST_MS, type Patience } from './patience.js';
import type { TestClock } from './test-clock.js';
import { LEASE_MS } from './test-engine.js';

/** An engine of one job's own, which a consumer handles at once, whatever else there is and however busy its queue. */
export class OneRun extends MemoryBackend {
  private queue: string | undefined;
  private timeoutMs: number | undefined;

  /** @param attempt which one the run is to be, 1 the first */
  constructor(
    private readonly host: InstanceConsumer,
    private readonly testClock: TestClock,
    private readonly attempt: number,
  ) {
    super(new MemoryStore(testClock, LEASE_MS));
  }

  override publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    const { explorer, settings } = this.host;
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
    const consumer = this.host.newConsumer(this);
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
