import type { DropReason, JobEventMap } from './events.js';
import type { Reporter } from './reporter.js';

/** How often it is said of a queue that jobs are dropped, in milliseconds. */
const EVERY_MS = 60_000;

interface Count {
  dropped: number;
}

const WHY = {
  'drop-oldest': 'the ones that had waited longest, for new ones came',
  'drop-newest': 'the ones that came',
} as const;

function isForRoom(reason: DropReason): reason is keyof typeof WHY {
  return reason in WHY;
}

/** Says that jobs of full queues are dropped: at once, and then how many, once a minute for each queue. */
export class DropReport {
  /** Of the queues of which it was said within the last minute. */
  private readonly counts = new Map<string, Count>();

  /** @param place follows the queue's name in what is said */
  constructor(
    private readonly reporter: Pick<Reporter, 'warn'>,
    private readonly place = '',
  ) {}

  count({ job: { queue }, reason }: JobEventMap['dropped']): void {
    // What is replaced was meant to be.
    if (!isForRoom(reason)) return;
    const key = `${reason} ${queue}`;
    const count = this.counts.get(key);
    if (count) {
      count.dropped += 1;
      return;
    }
    this.counts.set(key, { dropped: 1 });
    // What is published together is told together.
    setTimeout(() => this.say(key, queue, reason), 0).unref();
  }

  private say(key: string, queue: string, reason: keyof typeof WHY): void {
    const { dropped = 0 } = this.counts.get(key) ?? {};
    if (dropped === 0) return void this.counts.delete(key);
    this.counts.set(key, { dropped: 0 });
    const jobs = dropped === 1 ? '1 job was' : `${dropped} jobs were`;
    this.reporter.warn(`queue "${queue}"${this.place} is full: ${jobs} dropped, ${WHY[reason]} (whenFull '${reason}')`);
    setTimeout(() => this.say(key, queue, reason), EVERY_MS).unref();
  }
}
