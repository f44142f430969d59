import { randomUUID } from 'node:crypto';
import TinyQueue from 'tinyqueue';
import type { Delivery, Settlement } from '../../core/backend.js';
import type { DroppedJob } from '../../core/backlog.js';
import type { Clock } from '../../core/clock.js';
import type { FailureRecord } from '../../core/failure-record.js';
import { encodeMessage, receive, type Message } from '../../core/message.js';

/** A job that lives: waiting, delayed, active or failed. */
interface StoredJob {
  readonly message: Message;
  /** Where it stands among its equals. */
  sequence: number;
  readonly storedAt: number;
  attemptsUsed: number;
  readyAt: number;
  failures: readonly FailureRecord[];
  lease: { readonly receipt: string; ends: number } | undefined;
  /** Whether it may be handed out, now or later. */
  shelved: boolean;
}

function first(a: StoredJob, b: StoredJob): number {
  return a.message.priority - b.message.priority || a.sequence - b.sequence;
}

function firstDue(a: StoredJob, b: StoredJob): number {
  return a.readyAt - b.readyAt || a.sequence - b.sequence;
}

/** The longest that a reserve waits for nothing, in milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** One queue of the memory backend. */
export class MemoryQueue {
  /** In the order in which they were stored. */
  private readonly living = new Map<string, StoredJob>();
  private waiting = new TinyQueue<StoredJob>([], first);
  private delayed = new TinyQueue<StoredJob>([], firstDue);
  /** By receipt, the lease that ends first coming first: all are of one length, and a renewed one goes to the end. */
  private readonly active = new Map<string, StoredJob>();
  private readonly waiters = new Set<() => void>();
  private sequence = 0;

  constructor(
    private readonly name: string,
    private readonly clock: Clock,
    private readonly leaseMs: number,
  ) {}

  /** How many jobs may be taken now, and when the next falls due. Milliseconds since 1970. */
  get load(): { readonly waiting: number; readonly nextDueAt: number | undefined } {
    this.takeBackLapsed();
    this.promoteDue();
    return { waiting: this.waiting.length, nextDueAt: this.delayed.peek()?.readyAt };
  }

  /** How many jobs wait, now or for their time. */
  get jobs(): number {
    this.takeBackLapsed();
    return this.waiting.length + this.delayed.length;
  }

  /** The bytes of their messages. */
  get bytes(): number {
    this.takeBackLapsed();
    const jobs = [...this.waiting.data, ...this.delayed.data];
    return jobs.reduce((sum, { message }) => sum + Buffer.byteLength(encodeMessage(message)), 0);
  }

  dropOldest(count: number): readonly DroppedJob[] {
    this.takeBackLapsed();
    this.promoteDue();
    const shelved = [...this.living.values()].filter((job) => job.shelved);
    const now = this.clock.now();
    const waiting = shelved.filter((job) => job.readyAt <= now);
    const dropped = [...waiting, ...shelved.filter((job) => job.readyAt > now)].slice(0, count);
    for (const job of dropped) {
      job.shelved = false;
      this.living.delete(job.message.id);
    }
    this.waiting = new TinyQueue(
      this.waiting.data.filter((job) => job.shelved),
      first,
    );
    this.delayed = new TinyQueue(
      this.delayed.data.filter((job) => job.shelved),
      firstDue,
    );
    return dropped.map(({ message: { id, name, headers } }) => ({ id, name, headers }));
  }

  /** Whether a job of this id lives. */
  has(id: string): boolean {
    return this.living.has(id);
  }

  /** Stores a message; false where a job of its id lives. */
  add(message: Message): boolean {
    if (this.has(message.id)) return false;
    const now = this.clock.now();
    const job: StoredJob = {
      message,
      sequence: 0,
      storedAt: now,
      attemptsUsed: message.attemptsUsed,
      readyAt: message.readyAt ?? now,
      failures: [],
      lease: undefined,
      shelved: false,
    };
    this.living.set(message.id, job);
    this.shelve(job);
    return true;
  }

  async reserve(max: number, ...signals: readonly AbortSignal[]): Promise<Delivery[]> {
    const giveUpAt = this.clock.monotonic() + LONGEST_WAIT_MS;
    for (;;) {
      this.takeBackLapsed();
      this.promoteDue();
      const taken = this.take(max);
      const left = giveUpAt - this.clock.monotonic();
      if (taken.length > 0 || left <= 0 || signals.some((signal) => signal.aborted)) return taken;
      await this.change(Math.min(left, this.untilNextChange()), signals);
    }
  }

  settle(receipt: string, settlement: Settlement): boolean {
    const job = this.held(receipt);
    if (!job) return false;
    this.active.delete(receipt);
    job.lease = undefined;
    switch (settlement.kind) {
      case 'again':
        if (!settlement.countsAttempt) job.attemptsUsed -= 1;
        job.readyAt = settlement.at;
        job.failures = settlement.failures;
        this.shelve(job);
        return true;
      case 'failed':
        job.failures = settlement.failures;
        return true;
      case 'replaced':
        this.living.delete(job.message.id);
        return this.add(settlement.message);
      default:
        this.living.delete(job.message.id);
        return true;
    }
  }

  extend(receipt: string): boolean {
    const job = this.held(receipt);
    if (!job?.lease) return false;
    job.lease.ends = this.clock.monotonic() + this.leaseMs;
    this.active.delete(receipt);
    this.active.set(receipt, job);
    return true;
  }

  private shelve(job: StoredJob): void {
    job.sequence = ++this.sequence;
    job.shelved = true;
    if (job.readyAt > this.clock.now()) this.delayed.push(job);
    else this.waiting.push(job);
    for (const wake of [...this.waiters]) wake();
  }

  private held(receipt: string): StoredJob | undefined {
    this.takeBackLapsed();
    return this.active.get(receipt);
  }

  private takeBackLapsed(): void {
    const now = this.clock.monotonic();
    for (const [receipt, job] of this.active) {
      if (job.lease && job.lease.ends > now) return;
      this.active.delete(receipt);
      job.lease = undefined;
      this.shelve(job);
    }
  }

  private promoteDue(): void {
    const now = this.clock.now();
    for (let next = this.delayed.peek(); next && next.readyAt <= now; next = this.delayed.peek()) {
      this.delayed.pop();
      this.waiting.push(next);
    }
  }

  private take(max: number): Delivery[] {
    const taken: Delivery[] = [];
    while (taken.length < max) {
      const job = this.waiting.pop();
      if (!job) break;
      const leasedAt = this.clock.monotonic();
      const receipt = randomUUID();
      job.attemptsUsed += 1;
      job.shelved = false;
      job.lease = { receipt, ends: leasedAt + this.leaseMs };
      this.active.set(receipt, job);
      taken.push({
        queue: this.name,
        receipt,
        attempt: job.attemptsUsed,
        content: receive(job.message),
        storedAt: job.storedAt,
        leasedAt,
        failures: job.failures,
      });
    }
    return taken;
  }

  private untilNextChange(): number {
    const due = this.delayed.peek();
    const [first] = this.active.values();
    const untilDue = due ? due.readyAt - this.clock.now() : Infinity;
    const untilLapse = first?.lease ? first.lease.ends - this.clock.monotonic() : Infinity;
    return Math.max(0, Math.min(untilDue, untilLapse));
  }

  private change(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        this.waiters.delete(finish);
        for (const signal of signals) signal.removeEventListener('abort', finish);
        cancel();
        resolve();
      };
      const cancel = this.clock.after(ms, finish);
      this.waiters.add(finish);
      for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
    });
  }
}
