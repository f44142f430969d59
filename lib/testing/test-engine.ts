import type { MemoryRecords } from '../backends/memory/memory-records.js';
import { MemoryBackend, MemoryStore } from '../backends/memory/memory.backend.js';
import type {
  Backend,
  BackendDescription,
  BackendTraits,
  Delivery,
  Settlement,
  StoredReceipt,
} from '../core/backend.js';
import type { Backlog } from '../core/backlog.js';
import type { Inspector } from '../core/inspector.js';
import type { Message } from '../core/message.js';
import type { Records } from '../core/records.js';
import type { FakeAnswers } from './fake-answers.js';
import type { TestClock } from './test-clock.js';
import { testedJob, type TestedJob } from './tested-job.js';
import type { WaitingCalls } from './waiting-calls.js';

export const LEASE_MS = 30_000;

/** Runs a job at once; gives it back as it is to be stored where it is to run again. Undefined: it can't, or is over. */
export type RunAtOnce = (queue: string, message: Message) => Promise<Message | undefined> | undefined;

/** The memory that an instance gets in place of its engine; remembers what was published. */
export class TestEngine implements BackendDescription, Backend {
  readonly name = 'memory';
  readonly traits: BackendTraits;
  private store: MemoryStore;
  private memory: MemoryBackend;
  private jobs: TestedJob[] = [];
  /** By receipt. */
  private readonly active = new Map<string, Delivery>();
  /** How many ask for jobs. */
  private reserving = 0;
  private calls: WaitingCalls | undefined;

  /**
   * @param changed called when a job was stored, or a run of one is over
   * @param fakes what answers in the place of handlers, and then it hands out no job
   */
  constructor(
    readonly clock: TestClock,
    private readonly changed: () => void,
    readonly fakes: FakeAnswers | undefined,
    private readonly runAtOnce: RunAtOnce | undefined,
  ) {
    this.store = new MemoryStore(clock, LEASE_MS);
    this.memory = new MemoryBackend(this.store);
    this.traits = this.memory.traits;
  }

  get records(): Records {
    const { records } = this.memory;
    return this.calls?.heardOf(records) ?? records;
  }

  get backlog(): Backlog {
    return this.memory.backlog;
  }

  get inspector(): Inspector {
    return this.memory.inspector;
  }

  /** The same, whoever opens them. */
  get storedRecords(): MemoryRecords {
    return this.store.records;
  }

  get published(): readonly TestedJob[] {
    return this.jobs;
  }

  /** The names of the jobs that are running. */
  get running(): readonly string[] {
    return [...this.active.values()].map(({ content, queue }) => ('name' in content ? content.name : `of ${queue}`));
  }

  /** Has it hear what is published and whose answers are waited for. */
  heardBy(calls: WaitingCalls): void {
    this.calls = calls;
  }

  /** Whether a job of this queue is due, while nobody runs any. */
  isLeft(queue: string): boolean {
    return this.hasWaiting(queue) && this.reserving === 0 && this.active.size === 0;
  }

  /** Whether a job of this queue is running, or might where what waits is taken. */
  isBusy(queue: string, takes: boolean): boolean {
    return (takes && this.hasWaiting(queue)) || [...this.active.values()].some((one) => one.queue === queue);
  }

  /** Whether a job of this queue is due and waits. */
  hasWaiting(queue: string): boolean {
    return this.store.queue(queue).load.waiting > 0;
  }

  /** When the next delayed job of this queue falls due. Milliseconds since 1970. */
  nextDueAt(queue: string): number | undefined {
    return this.store.queue(queue).load.nextDueAt;
  }

  /** Forgets all jobs. */
  clear(): void {
    this.jobs = [];
    this.calls?.clear();
    this.active.clear();
    const { memory } = this;
    this.store = new MemoryStore(this.clock, LEASE_MS);
    this.memory = new MemoryBackend(this.store);
    void memory.close();
  }

  open(): Promise<Backend> {
    return Promise.resolve(this);
  }

  async publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    const receipts: StoredReceipt[] = [];
    for (const message of messages) {
      const duplicate = this.store.queue(queue).has(message.id);
      this.jobs.push(testedJob(queue, message, duplicate));
      this.calls?.published(queue, message);
      const later = message.readyAt !== undefined && message.readyAt > this.clock.now();
      const atOnce = duplicate || later ? undefined : this.runAtOnce?.(queue, message);
      const stored = atOnce ? await atOnce : message;
      if (stored) await this.memory.publish(queue, [stored]);
      if (!duplicate) await this.fakes?.store(queue, message, this.records);
      receipts.push({ duplicate });
    }
    this.changed();
    return receipts;
  }

  async reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (this.fakes) return nothingUntil(signal);
    this.reserving += 1;
    const deliveries = await this.memory.reserve(queue, max, signal).finally(() => (this.reserving -= 1));
    for (const delivery of deliveries) this.active.set(delivery.receipt, delivery);
    return deliveries;
  }

  async settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    const settled = await this.memory.settle(delivery, settlement);
    this.active.delete(delivery.receipt);
    this.changed();
    return settled;
  }

  extend(delivery: Delivery): Promise<boolean> {
    return this.memory.extend(delivery);
  }

  close(): Promise<void> {
    return this.memory.close();
  }
}

function nothingUntil(signal: AbortSignal): Promise<readonly Delivery[]> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve([]);
    else signal.addEventListener('abort', () => resolve([]), { once: true });
  });
}
