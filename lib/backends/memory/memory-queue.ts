import { randomUUID } from 'node:crypto';
import type { Delivery, Settlement } from '../../core/backend.js';
import type { DroppedJob } from '../../core/backlog.js';
import type { Clock } from '../../core/clock.js';
import { encodeMessage, type Message } from '../../core/message.js';
import { EndedJobs } from './ended-jobs.js';
import { priorityOf, received, type End, type StoredJob } from './memory-job.js';
import { MemoryShelf } from './memory-shelf.js';
import { MemoryWaiters } from './memory-waiters.js';

/** The longest that a reserve waits for nothing, in milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** What a job is stored with. */
export type NewJob = Pick<StoredJob, 'content' | 'storedAt' | 'attemptsUsed' | 'readyAt' | 'failures' | 'end'>;

/** One queue of the memory backend. */
export class MemoryQueue {
  readonly shelf = new MemoryShelf();
  readonly completed = new EndedJobs();
  readonly expired = new EndedJobs();
  /** Waiting, delayed, active and failed ones by id, in the order in which they were stored. */
  readonly living = new Map<string, StoredJob>();
  /** By receipt, the lease that ends first coming first: all are of one length, and a renewed one goes to the end. */
  readonly active = new Map<string, StoredJob>();
  private readonly waiters: MemoryWaiters;
  private sequence = 0;
  private serial = 0;

  constructor(
    private readonly name: string,
    readonly clock: Clock,
    private readonly leaseMs: number,
  ) {
    this.waiters = new MemoryWaiters(clock);
  }

  /** Whether it has or had jobs. */
  get isUsed(): boolean {
    return this.serial > 0;
  }

  /** How many jobs may be taken now, and when the next falls due. Milliseconds since 1970. */
  get load(): { readonly waiting: number; readonly nextDueAt: number | undefined } {
    this.comeUpToDate();
    return { waiting: this.shelf.due.length, nextDueAt: this.shelf.nextDueAt };
  }

  /** How many jobs wait, now or for their time. */
  get jobs(): number {
    this.takeBackLapsed();
    return this.shelf.size;
  }

  /** The bytes of their messages. */
  get bytes(): number {
    this.takeBackLapsed();
    const jobs = [...this.shelf.due, ...this.shelf.later];
    return jobs.reduce((sum, { content }) => sum + bytesOf(content), 0);
  }

  dropOldest(count: number): readonly DroppedJob[] {
    this.comeUpToDate();
    const shelved = [...this.living.values()].filter((job) => job.shelved);
    const now = this.clock.now();
    const waiting = shelved.filter((job) => job.readyAt <= now);
    const dropped = [...waiting, ...shelved.filter((job) => job.readyAt > now)].slice(0, count);
    for (const { content } of dropped) this.living.delete(content.id);
    this.shelf.remove(dropped);
    return dropped.map(({ content }) => ({ id: content.id, name: 'name' in content ? content.name : undefined }));
  }

  /** Whether a job of this id lives. */
  has(id: string): boolean {
    return this.living.has(id);
  }

  /** Stores a message; false where a job of its id lives. */
  add(message: Message): boolean {
    if (this.has(message.id)) return false;
    const now = this.clock.now();
    const readyAt = Math.max(message.readyAt ?? now, now);
    this.keep({
      content: message,
      storedAt: now,
      attemptsUsed: message.attemptsUsed,
      readyAt,
      failures: [],
      end: undefined,
    });
    return true;
  }

  /** Stores a job whose id is free. */
  keep(given: NewJob): void {
    // Spread out field by field: each job that is published is made here.
    const { content, storedAt, attemptsUsed, readyAt, failures, end } = given;
    const job: StoredJob = {
      serial: ++this.serial,
      content,
      priority: priorityOf(content),
      sequence: 0,
      storedAt,
      attemptsUsed,
      readyAt,
      failures,
      lease: undefined,
      shelved: false,
      end,
    };
    if (end && end.state !== 'failed') return this[end.state].add(job);
    this.living.set(content.id, job);
    if (!end) this.putOnShelf(job);
  }

  async reserve(worker: string | undefined, max: number, ...signals: readonly AbortSignal[]): Promise<Delivery[]> {
    const giveUpAt = this.clock.monotonic() + LONGEST_WAIT_MS;
    for (;;) {
      this.comeUpToDate();
      const taken = this.take(worker, max);
      const left = giveUpAt - this.clock.monotonic();
      if (taken.length > 0 || left <= 0 || signals.some((signal) => signal.aborted)) return taken;
      await this.waiters.wait(Math.min(left, this.untilNextChange()), signals);
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
        job.readyAt = Math.max(settlement.at, this.clock.now());
        job.failures = settlement.failures;
        this.putOnShelf(job);
        return true;
      case 'failed':
        job.failures = settlement.failures;
        job.end = this.ended(settlement.kind, settlement.reason);
        return true;
      case 'replaced':
        this.living.delete(job.content.id);
        return this.add(settlement.message);
      case 'expired':
        job.failures = settlement.failures;
        this.living.delete(job.content.id);
        job.end = this.ended(settlement.kind, settlement.reason);
        this.expired.add(job);
        return true;
      default:
        this.living.delete(job.content.id);
        job.end = this.ended(settlement.kind, undefined);
        this.completed.add(job);
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

  /** Lets a job that nobody has be handed out from its `readyAt` on, behind its equals. */
  putOnShelf(job: StoredJob): void {
    job.sequence = ++this.sequence;
    this.shelf.add(job, this.clock.now());
    this.waiters.wake();
  }

  /** What has lapsed or fallen due waits from now on. */
  comeUpToDate(): void {
    this.takeBackLapsed();
    this.shelf.promoteDue(this.clock.now());
  }

  private ended(state: End['state'], reason: string | undefined): End {
    return { state, at: this.clock.now(), reason };
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
      this.putOnShelf(job);
    }
  }

  private take(worker: string | undefined, max: number): Delivery[] {
    const taken: Delivery[] = [];
    while (taken.length < max) {
      const job = this.shelf.take();
      if (!job) break;
      const leasedAt = this.clock.monotonic();
      const receipt = randomUUID();
      job.attemptsUsed += 1;
      job.lease = { receipt, ends: leasedAt + this.leaseMs, since: this.clock.now(), worker };
      this.active.set(receipt, job);
      taken.push({
        queue: this.name,
        receipt,
        attempt: job.attemptsUsed,
        content: received(job.content),
        storedAt: job.storedAt,
        leasedAt,
        failures: job.failures,
      });
    }
    return taken;
  }

  private untilNextChange(): number {
    const due = this.shelf.nextDueAt;
    const [first] = this.active.values();
    const untilDue = due === undefined ? Infinity : due - this.clock.now();
    const untilLapse = first?.lease ? first.lease.ends - this.clock.monotonic() : Infinity;
    return Math.max(0, Math.min(untilDue, untilLapse));
  }
}

function bytesOf(content: StoredJob['content']): number {
  return 'unreadable' in content ? content.bytes.length : Buffer.byteLength(encodeMessage(content));
}
