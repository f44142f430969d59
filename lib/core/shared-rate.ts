import { randomUUID } from 'node:crypto';
import { pause, type Clock } from './clock.js';
import type { Rate } from './rate.js';
import type { Records } from './records.js';

/** Into how many places a rate is divided at most; above, a place stands for several calls. */
const MOST_PLACES = 100;

/**
 * How long a call may begin after its place was claimed, for claims take their time; a place is taken so much longer. As a
 * part of the rate's time, and in milliseconds.
 */
const SLACK = 0.02;
const LEAST_SLACK_MS = 10;

export interface SharedRateSetup {
  /** Whose rate it is: the same for all processes. */
  readonly what: string;
  readonly rate: Rate;
  readonly clock: Clock;
  /** Without them, it holds within this process. */
  readonly records: Records | undefined;
  /** Whether several processes may share the engine. */
  readonly shared: boolean;
}

/** How often the time of a place is begun again, where the engine took so long that the call would begin late. */
const MOST_RENEWALS = 3;

/** A claimed place, or a part of one, for one call. */
export interface RatePlace {
  /** Whether its time is over before the call began, so that others may have it. */
  readonly lapsed: boolean;
  /** The call begins. */
  begin(): void;
  /** There will be no call. */
  giveBack(): void;
}

/** What is left of a claimed place. */
interface Claimed {
  readonly index: number;
  readonly token: string;
  /** By the clock's `monotonic()`. */
  claimedAt: number;
  left: number;
}

/**
 * How many calls may begin within a time, across all processes: so many places, each taken for that time by a call, and so
 * free again that long after it. No time of that length sees more calls than there are places, wherever it begins. Who
 * finds a place taken remembers until when, and asks no more before.
 */
export class SharedRate {
  private readonly calls: number;
  private readonly slackMs: number;
  /** Until when each place is taken, as far as known; milliseconds since 1970. */
  private readonly takenUntil: number[];
  /** Places of which another call may begin yet. */
  private readonly spare: Claimed[] = [];
  /** How many jobs wait here for a place, and when others were told to come again. */
  private waiting = 0;
  private allotted: number[] = [];
  private next = 0;

  constructor(private readonly setup: SharedRateSetup) {
    const { max, perMs } = setup.rate;
    this.calls = setup.shared ? Math.ceil(max / MOST_PLACES) : 1;
    this.slackMs = setup.shared && setup.records ? Math.max(perMs * SLACK, LEAST_SLACK_MS) : 0;
    this.takenUntil = Array.from({ length: Math.floor(max / this.calls) }, () => -Infinity);
  }

  /** How many calls may begin now, as far as is known. */
  get room(): number {
    const now = this.setup.clock.now();
    const free = this.takenUntil.filter((until) => until <= now).length;
    return this.spareCalls() + free * this.calls;
  }

  /** When the next place is free, as far as is known; milliseconds since 1970. */
  get freeAt(): number {
    return Math.min(...this.takenUntil);
  }

  /** Takes a place; undefined where all are taken. Rejects where the engine fails. */
  async take(): Promise<RatePlace | undefined> {
    const { clock, records, what } = this.setup;
    for (;;) {
      const spare = this.takeSpare();
      if (spare) return spare;
      const index = this.freePlace();
      if (index === undefined) return undefined;
      const claimed: Claimed = { index, token: randomUUID(), claimedAt: clock.monotonic(), left: this.calls };
      // Nobody else here is to claim it meanwhile.
      this.takenUntil[index] = clock.now() + this.ttlMs;
      try {
        const living = await records?.claim(keyOf(what, index), claimed.token, this.ttlMs);
        this.takenUntil[index] = living ? Math.max(living.expiresAt, clock.now() + 1) : clock.now() + this.ttlMs;
        if (living || !(await this.isInTime(claimed))) continue;
        this.spare.push(claimed);
        return this.partOf(claimed);
      } catch (error) {
        this.takenUntil[index] = -Infinity;
        throw error;
      }
    }
  }

  /** When a job that comes now is likely to have a place, behind those that wait and those that come again. */
  get turnAt(): number {
    const now = this.setup.clock.now();
    this.allotted = this.allotted.filter((at) => at > now);
    const before = Math.floor((this.waiting + this.allotted.length) / this.calls);
    const { length } = this.takenUntil;
    const inTurn = [...this.takenUntil].sort((a, b) => a - b)[before % length] ?? now;
    return Math.ceil(Math.max(inTurn, now + 1) + Math.floor(before / length) * this.ttlMs);
  }

  /** When a job that is handed back is to come again; the next one is told a later time where there is no other place. */
  allot(): number {
    const at = this.turnAt;
    this.allotted.push(at);
    return at;
  }

  /** Waits until a moment, or until the signal aborts. */
  async wait(at: number, signal: AbortSignal): Promise<void> {
    this.waiting += 1;
    const { clock } = this.setup;
    await pause(clock, Math.max(at - clock.now(), 0), signal);
    this.waiting -= 1;
  }

  /**
   * Begins the time of a place again where its claim took longer than a call may be late, for it would be free too early.
   * False where it was over meanwhile, and another has the place.
   */
  private async isInTime(claimed: Claimed): Promise<boolean> {
    const { clock, records, what } = this.setup;
    for (let renewals = 0; records && renewals < MOST_RENEWALS && this.isLate(claimed); renewals++) {
      claimed.claimedAt = clock.monotonic();
      if (!(await records.swap(keyOf(what, claimed.index), claimed.token, claimed.token, this.ttlMs))) return false;
      this.takenUntil[claimed.index] = clock.now() + this.ttlMs;
    }
    return !this.hasLapsed(claimed);
  }

  private isLate({ claimedAt }: Claimed): boolean {
    return this.setup.clock.monotonic() - claimedAt > this.slackMs;
  }

  private hasLapsed({ claimedAt }: Claimed): boolean {
    return this.setup.clock.monotonic() - claimedAt >= this.ttlMs;
  }

  private get ttlMs(): number {
    return this.setup.rate.perMs + this.slackMs;
  }

  private spareCalls(): number {
    for (let at = this.spare.length - 1; at >= 0; at--) {
      const claimed = this.spare[at];
      if (claimed.left === 0 || this.isLate(claimed)) this.spare.splice(at, 1);
    }
    return this.spare.reduce((sum, { left }) => sum + left, 0);
  }

  private takeSpare(): RatePlace | undefined {
    if (this.spareCalls() === 0) return undefined;
    const claimed = this.spare.find(({ left }) => left > 0);
    return claimed && this.partOf(claimed);
  }

  private freePlace(): number | undefined {
    const now = this.setup.clock.now();
    const { length } = this.takenUntil;
    for (let step = 0; step < length; step++) {
      const index = (this.next + step) % length;
      if ((this.takenUntil[index] ?? 0) > now) continue;
      this.next = (index + 1) % length;
      return index;
    }
    return undefined;
  }

  private partOf(claimed: Claimed): RatePlace {
    claimed.left -= 1;
    const hasLapsed = (): boolean => this.hasLapsed(claimed);
    return {
      get lapsed() {
        return hasLapsed();
      },
      begin: () => this.begin(claimed),
      giveBack: () => this.giveBack(claimed),
    };
  }

  private begin(claimed: Claimed): void {
    if (!this.isLate(claimed)) return;
    const { index, token } = claimed;
    const { clock, records, what } = this.setup;
    // Later than its place allows for: that is taken anew, from now on.
    this.takenUntil[index] = clock.now() + this.ttlMs;
    records?.set(keyOf(what, index), token, this.ttlMs).catch(() => undefined);
  }

  private giveBack(claimed: Claimed): void {
    claimed.left += 1;
    const at = this.spare.indexOf(claimed);
    if (claimed.left < this.calls) {
      if (at < 0) this.spare.push(claimed);
      return;
    }
    if (at >= 0) this.spare.splice(at, 1);
    const { index, token } = claimed;
    const { records, what } = this.setup;
    this.takenUntil[index] = -Infinity;
    records?.delete(keyOf(what, index), token).catch(() => undefined);
  }
}

function keyOf(what: string, index: number): string {
  return `rate:${what}:${index}`;
}
