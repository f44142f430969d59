import { setImmediate } from 'node:timers/promises';
import { pause, systemClock } from '../core/clock.js';
import type { TestClock } from './test-clock.js';

/** As it is when this is loaded: a runner's fake timers replace the module's later, in CommonJS. */
const nextTurn = setImmediate;

/** How long handlers may be busy in real time before they are thought to wait for something, in milliseconds. */
const PATIENCE_MS = 1_000;
/** And how long before nothing is waited for any more: test runners wait for 5 s. */
export const LONGEST_MS = 4_000;
/** Turns of the event loop in which what has happened may have its consequences. */
const TURNS = 4;

/** Waits for handlers, in real time: theirs is no business of a clock that stands still. */
export class Patience {
  private changes = 0;
  private readonly waiting = new Set<AbortController>();
  private closed = false;

  constructor(private readonly clock: TestClock) {}

  /** To be called whenever something has come forward. */
  readonly changed = (): void => {
    this.changes += 1;
    for (const one of this.waiting) one.abort();
  };

  /** The application closes: nothing is waited for any more. */
  close(): void {
    this.closed = true;
    this.changed();
  }

  /**
   * Waits until nothing is under way. Where handlers have been busy for a second, they may be waiting for their timeout:
   * then the clock goes on, up to `target`.
   *
   * @param stuck makes the error with which it rejects after four seconds without a change
   * @throws Error where the application closes meanwhile
   */
  async until(over: () => boolean, target: number | undefined, stuck: () => Error): Promise<void> {
    for (let waitedMs = 0; ;) {
      if (over()) {
        await turns();
        if (over()) return;
        continue;
      }
      if (this.closed) throw new Error('the application has closed');
      const before = this.changes;
      await this.changeWithin(PATIENCE_MS);
      if (this.changes === before && target !== undefined) await this.letPass(target, before);
      waitedMs = this.changes === before ? waitedMs + PATIENCE_MS : 0;
      if (waitedMs >= LONGEST_MS) throw stuck();
    }
  }

  private async letPass(target: number, before: number): Promise<void> {
    while (this.changes === before && this.clock.step(target)) await turns();
  }

  private async changeWithin(ms: number): Promise<void> {
    const done = new AbortController();
    this.waiting.add(done);
    await pause(systemClock, ms, done.signal);
    this.waiting.delete(done);
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await nextTurn();
}
