import { setMaxListeners } from 'node:events';
import type { Backend, Delivery } from './backend.js';
import type { Clock } from './clock.js';
import type { Outage } from './outage.js';

/** What a keeper keeps. */
export interface Leased {
  readonly delivery: Delivery;
  /** Called once, when the lease was lost. */
  loseLease(): void;
}

/** Renews the leases of running jobs at a third of their length, and notices those that were lost. */
export class LeaseKeeper {
  /** Until when each lease is known to last, by the clock's `monotonic()`. */
  private readonly ends = new Map<Leased, number>();
  private readonly renewing = new Set<Leased>();
  private readonly closing = new AbortController();
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly backend: Backend,
    private readonly clock: Clock,
    private readonly outage: Outage,
  ) {
    // As many as there are running jobs listen in an outage, which is no leak.
    setMaxListeners(0, this.closing.signal);
  }

  add(leased: Leased): void {
    if (this.closing.signal.aborted) return;
    this.ends.set(leased, leased.delivery.leasedAt + this.backend.traits.leaseMs);
    this.cancelTimer ??= this.clock.after(this.backend.traits.leaseMs / 3, () => this.tick());
    leased.delivery.onLeaseLost?.(() => {
      if (this.ends.has(leased)) this.lose(leased);
    });
  }

  remove(leased: Leased): void {
    this.ends.delete(leased);
    this.outage.gaveUp(leased.delivery);
  }

  /** Whether the lease may have lapsed: then no settlement may be sent. */
  lapsed(leased: Leased): boolean {
    return this.clock.monotonic() >= (this.ends.get(leased) ?? -Infinity);
  }

  /** Every lease counts as lapsed from now on. */
  close(): void {
    this.closing.abort();
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    this.ends.clear();
  }

  private tick(): void {
    this.cancelTimer = undefined;
    for (const leased of [...this.ends.keys()]) {
      if (this.lapsed(leased)) this.lose(leased);
      else if (!this.renewing.has(leased)) void this.renew(leased);
    }
    if (this.ends.size > 0) this.cancelTimer = this.clock.after(this.backend.traits.leaseMs / 3, () => this.tick());
  }

  /** Renews a lease, again and again while the engine fails, until it is over. */
  private async renew(leased: Leased): Promise<void> {
    this.renewing.add(leased);
    for (let failures = 0; this.ends.has(leased); failures++) {
      if (this.lapsed(leased)) this.lose(leased);
      else if (await this.renewed(leased)) break;
      else await this.outage.wait(failures, this.closing.signal, this.longestPauseMs(leased));
    }
    this.renewing.delete(leased);
  }

  /** Tries once; false where the engine fails. */
  private async renewed(leased: Leased): Promise<boolean> {
    const { leaseMs } = this.backend.traits;
    const before = this.clock.monotonic();
    try {
      const kept = await this.backend.extend(leased.delivery);
      this.outage.passed(leased.delivery);
      if (!this.ends.has(leased)) return true;
      if (kept) this.ends.set(leased, before + leaseMs);
      else this.lose(leased);
      return true;
    } catch (error) {
      if (this.ends.has(leased)) this.outage.failed(leased.delivery, error);
      return false;
    }
  }

  /** Some tries are to fit into a lease, and its end is not to be missed. */
  private longestPauseMs(leased: Leased): number {
    const leftMs = (this.ends.get(leased) ?? 0) - this.clock.monotonic();
    return Math.max(Math.min(leftMs, this.backend.traits.leaseMs / 10), 0);
  }

  private lose(leased: Leased): void {
    this.remove(leased);
    leased.loseLease();
  }
}
