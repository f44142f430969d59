import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { messageOf } from './errors.js';
import { withBlock } from './fleet-blocks.js';
import type { Watchdog, WatchedProcess } from './fleet-registration.js';
import type { BlockedRecord } from './fleet-workers.js';
import { inTime } from './in-time.js';
import { askedName } from './main-look.js';
import type { RecordsElsewhere } from './records-elsewhere.js';
import type { WatchdogData, WatchdogMessage } from './watchdog-thread.js';

/** For how long an event loop may be busy at a stretch before it counts as blocked, in milliseconds. */
const BLOCKED_MS = 1_000;
/** How often it shows that it is not. */
const SIGN_MS = 200;
/** How long is waited for the thread to begin, and to end by itself, in milliseconds. */
const BEGIN_MS = 2_000;
const END_MS = 1_000;

/**
 * Sees where this process's event loop is blocked: a thread of its own notices that there is no sign of life, and takes the
 * stack of what runs, which it tells others while that lasts, and this thread once it is free again. Of what waits outside of
 * JavaScript it sees where that went on afterwards. The thread keeps no process alive.
 */
export class ThreadWatchdog implements Watchdog {
  private seen: readonly BlockedRecord[] = [];
  private readonly sign = new Int32Array(new SharedArrayBuffer(4));
  private timer: NodeJS.Timeout | undefined;
  private thread: Worker | undefined;
  private asked: symbol | undefined;
  private closed = false;

  /** @param warn says why it can't watch */
  constructor(private readonly warn: (message: string) => void) {}

  get blocked(): readonly BlockedRecord[] {
    return this.seen;
  }

  async start(watched: WatchedProcess): Promise<void> {
    if (this.asked) return;
    const { id, knownMs } = watched;
    this.asked = askedName(id);
    const elsewhere = await this.elsewhereOf(watched);
    if (this.closed) return;
    const workerData: WatchdogData = { sign: this.sign, blockedMs: BLOCKED_MS, id, knownMs, elsewhere };
    // It needs nothing of what this process was started with.
    const thread = new Worker(new URL('./watchdog-thread.js', import.meta.url), { workerData, execArgv: [] });
    this.thread = thread;
    Reflect.set(globalThis, this.asked, () => JSON.stringify(watched.record()));
    const watching = new Promise<void>((resolve) => {
      thread.on('message', (message: WatchdogMessage) => {
        if (message === 'watching') return resolve();
        this.seen = withBlock(this.seen, message);
        watched.seen();
      });
      thread.on('error', (error) => {
        this.stop();
        this.warn(`operate.trace: nobody watches where the event loop is blocked: ${messageOf(error)}`);
      });
      thread.on('exit', () => {
        this.thread = undefined;
        resolve();
      });
      // After the listeners: one for messages holds the thread again.
      thread.unref();
      this.timer = setInterval(() => this.giveSign(), SIGN_MS).unref();
    });
    await inTime(watching, BEGIN_MS, () => new Error('late')).catch(() => undefined);
  }

  giveSign(): void {
    Atomics.add(this.sign, 0, 1);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { thread } = this;
    this.stop();
    if (!thread) return;
    // One that stores something just now ends that: what is done to files is not to be left half done.
    const ended = once(thread, 'exit');
    thread.postMessage('close');
    await inTime(ended, END_MS, () => new Error('late')).catch(() => undefined);
    await thread.terminate();
  }

  private stop(): void {
    clearInterval(this.timer);
    if (this.asked) Reflect.deleteProperty(globalThis, this.asked);
  }

  private async elsewhereOf({ elsewhere }: WatchedProcess): Promise<RecordsElsewhere | undefined> {
    if (!elsewhere) return undefined;
    try {
      const found = await elsewhere();
      if (found) return structuredClone(found);
    } catch {
      // Its message may show what is in the options.
    }
    this.warn(
      'operate.trace: while the event loop is blocked, nobody can be told, only afterwards: ' +
        'another thread can not use what the backend was given, such as a client, or options that are functions',
    );
    return undefined;
  }
}
