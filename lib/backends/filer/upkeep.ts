import type { BackendError } from '../../core/backend.js';
import { fault } from './folders.js';

/** How soon it is done again while others are at work: a dead worker is noticed well within a second. */
const SOON_MS = 300;

export interface UpkeepSetup {
  /** The folder that errors are said of. */
  readonly path: string;
  readonly sweepMs: number;
  readonly keepUp: () => Promise<void>;
  /** Whether others are at work that have to be looked after. */
  readonly isWatching: () => boolean;
  /** Called each time when it was done, and where it or something else has failed. */
  readonly done: (hasFailed: boolean) => void;
}

/** Does what a queue needs from time to time, and knows whether it can be kept up to date. */
export class Upkeep {
  private timer: NodeJS.Timeout | undefined;
  private nextAt = Infinity;
  private failure: BackendError | undefined;
  private closed = false;

  constructor(private readonly setup: UpkeepSetup) {}

  /** Does it now, and from then on from time to time; never rejects. */
  async run(): Promise<void> {
    const { keepUp, isWatching, done, sweepMs } = this.setup;
    clearTimeout(this.timer);
    this.nextAt = Infinity;
    try {
      await keepUp();
      this.failure = undefined;
      done(false);
    } catch (error) {
      this.fail(error);
    }
    this.schedule(isWatching() ? Math.min(sweepMs, SOON_MS) : sweepMs);
  }

  /**
   * Tries again where it has failed.
   *
   * @throws BackendError where it still does
   */
  async check(): Promise<void> {
    if (this.failure) await this.run();
    if (this.failure) throw this.failure;
  }

  /** Hears of an error where nobody could catch it. */
  fail(error: unknown): void {
    this.failure = fault(this.setup.path, error);
    this.setup.done(true);
  }

  /** Others are at work: looks after them soon. */
  hurry(): void {
    if (this.nextAt - performance.now() > SOON_MS) this.schedule(SOON_MS);
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.nextAt = performance.now() + ms;
    this.timer = setTimeout(() => void this.run(), ms);
  }
}
