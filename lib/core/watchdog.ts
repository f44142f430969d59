import { Worker } from 'node:worker_threads';
import { messageOf } from './errors.js';
import type { Watchdog } from './fleet-registration.js';
import type { BlockedRecord } from './fleet-workers.js';
import type { BlockSeen, WatchdogData } from './watchdog-thread.js';

/** For how long an event loop may be busy at a stretch before it counts as blocked, in milliseconds. */
const BLOCKED_MS = 1_000;
/** How often it shows that it is not. */
const SIGN_MS = 200;
/** How many blocks are remembered. */
const MOST_KEPT = 5;

/**
 * Sees where this process's event loop is blocked: a thread of its own notices that there is no sign of life, and takes the
 * stack of what runs, which this thread can tell once it is free again. Of what waits outside of JavaScript it sees where
 * that went on afterwards. The thread keeps no process alive.
 */
export class ThreadWatchdog implements Watchdog {
  private readonly seen: BlockedRecord[] = [];
  private readonly sign = new Int32Array(new SharedArrayBuffer(4));
  private timer: NodeJS.Timeout | undefined;
  private thread: Worker | undefined;

  /** @param warn says why it can't watch */
  constructor(private readonly warn: (message: string) => void) {}

  get blocked(): readonly BlockedRecord[] {
    return this.seen;
  }

  start(seen: () => void): void {
    if (this.thread) return;
    const workerData: WatchdogData = { sign: this.sign, blockedMs: BLOCKED_MS };
    // It needs nothing of what this process was started with.
    const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), { workerData, execArgv: [] });
    this.thread = thread;
    thread.on('message', (block: BlockSeen) => {
      this.keep(block);
      seen();
    });
    thread.on('error', (error) => {
      this.stop();
      this.warn(`operate.trace: nobody watches where the event loop is blocked: ${messageOf(error)}`);
    });
    // After the listeners: one for messages holds the thread again.
    thread.unref();
    this.timer = setInterval(() => this.giveSign(), SIGN_MS).unref();
  }

  async close(): Promise<void> {
    this.stop();
    await this.thread?.terminate();
  }

  private giveSign(): void {
    Atomics.add(this.sign, 0, 1);
    Atomics.notify(this.sign, 0);
  }

  private stop(): void {
    clearInterval(this.timer);
  }

  private keep(block: BlockSeen): void {
    this.seen.unshift(block);
    this.seen.length = Math.min(this.seen.length, MOST_KEPT);
  }
}
