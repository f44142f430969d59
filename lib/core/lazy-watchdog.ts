import { messageOf } from './errors.js';
import type { Watchdog, WatchedProcess } from './fleet-registration.js';
import type { BlockedRecord } from './fleet-workers.js';

/** A watchdog that is loaded when it starts: its module can't be read where modules are turned into CommonJS, as jest does. */
export class LazyWatchdog implements Watchdog {
  private loading: Promise<Watchdog> | undefined;
  private loaded: Watchdog | undefined;
  private closed = false;

  /** @param warn says why it can't watch */
  constructor(private readonly warn: (message: string) => void) {}

  get blocked(): readonly BlockedRecord[] {
    return this.loaded?.blocked ?? [];
  }

  async start(watched: WatchedProcess): Promise<void> {
    try {
      this.loading ??= import('./watchdog.js').then(({ ThreadWatchdog }) => new ThreadWatchdog(this.warn));
      this.loaded = await this.loading;
      if (!this.closed) await this.loaded.start(watched);
    } catch (error) {
      this.warn(`operate.trace: nobody watches the event loop: ${messageOf(error)}`);
    }
  }

  giveSign(): void {
    this.loaded?.giveSign();
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.loading?.then((watchdog) => watchdog.close()).catch(() => undefined);
  }
}
