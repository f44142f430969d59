import TinyQueue from 'tinyqueue';
import type { StoredJob } from './memory-job.js';

function first(a: StoredJob, b: StoredJob): number {
  return a.priority - b.priority || a.sequence - b.sequence;
}

function firstDue(a: StoredJob, b: StoredJob): number {
  return a.readyAt - b.readyAt || a.sequence - b.sequence;
}

/** The jobs of a queue that may be handed out, now or later. */
export class MemoryShelf {
  private waiting = new TinyQueue<StoredJob>([], first);
  private delayed = new TinyQueue<StoredJob>([], firstDue);

  /** Those that may be handed out now, in no order. */
  get due(): readonly StoredJob[] {
    return this.waiting.data;
  }

  /** Those whose time has not come, in no order. */
  get later(): readonly StoredJob[] {
    return this.delayed.data;
  }

  get size(): number {
    return this.waiting.length + this.delayed.length;
  }

  /** When the next falls due. Milliseconds since 1970. */
  get nextDueAt(): number | undefined {
    return this.delayed.peek()?.readyAt;
  }

  add(job: StoredJob, now: number): void {
    job.shelved = true;
    if (job.readyAt > now) this.delayed.push(job);
    else this.waiting.push(job);
  }

  promoteDue(now: number): void {
    for (let next = this.delayed.peek(); next && next.readyAt <= now; next = this.delayed.peek()) {
      this.delayed.pop();
      this.waiting.push(next);
    }
  }

  /** The next to be handed out, taken off. */
  take(): StoredJob | undefined {
    const job = this.waiting.pop();
    if (job) job.shelved = false;
    return job;
  }

  /** Takes jobs off. */
  remove(jobs: Iterable<StoredJob>): void {
    for (const job of jobs) job.shelved = false;
    const isShelved = (job: StoredJob): boolean => job.shelved;
    this.waiting = new TinyQueue(this.waiting.data.filter(isShelved), first);
    this.delayed = new TinyQueue(this.delayed.data.filter(isShelved), firstDue);
  }
}
