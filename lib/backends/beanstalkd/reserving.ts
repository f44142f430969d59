import { setMaxListeners } from 'node:events';
import type { Delivery } from '../../core/backend.js';
import { systemClock } from '../../core/clock.js';
import type { ReservedJob } from './client/client.js';
import { fault } from './fault.js';
import { HeldJob } from './held-job.js';
import type { Lane } from './lane.js';
import { Lanes } from './lanes.js';
import { Requests } from './requests.js';
import type { Server } from './server.js';

export interface ReservingSetup {
  readonly server: Server;
  readonly queue: string;
  readonly tube: string;
  readonly leaseMs: number;
  /** Hears of each job that is handed out. */
  readonly handedOut: (job: HeldJob) => void;
  /** Puts back a job that nobody wants any more, at no cost. */
  readonly giveBack: (job: HeldJob) => Promise<unknown>;
}

/** How long a lane waits in the server, in seconds. */
const WAIT_S = 25;

/** The most jobs that are asked for at a time. */
const MOST_AT_ONCE = 100;

/** After so long a wait, the moment of its writing says too little of when a reserve was answered, in milliseconds. */
const LATE_MS = 100;

/** Jobs that were asked for without waiting. */
interface Asked {
  readonly lane: Lane;
  readonly count: number;
  /** By the clock's `monotonic()`. */
  readonly at: number;
  readonly replies: Promise<readonly (ReservedJob | undefined)[]>;
}

/**
 * Reserves the jobs of one queue, one step at a time:
 *
 * 1. where the last step gave jobs, ask for more that are ready, on a lane that has room: all in one write
 * 2. else let one empty lane wait for a job; it goes on waiting when all who asked have been aborted, for ending a wait
 *    takes ending the connection, and a job that is on its way then would be delivered to nobody
 * 3. ask for the counters of what has come; after a wait for another job as well, in the same write
 * 4. put back what nobody wants any more, hand out the rest
 */
export class Reserving {
  private readonly lanes: Lanes;
  private readonly requests = new Requests();
  private readonly closing = new AbortController();
  private stepping: Promise<void> | undefined;
  /** How many to ask for without waiting. */
  private burst = 0;
  /** What the next step begins with. */
  private ahead: Asked | undefined;
  private waiting: Lane | undefined;

  constructor(private readonly setup: ReservingSetup) {
    // As many reserves as wait listen, which is no leak.
    setMaxListeners(0, this.closing.signal);
    this.lanes = new Lanes(setup.server.address, setup.tube, this.closing.signal);
  }

  /** @throws BackendError */
  reserve(max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (signal.aborted || this.closing.signal.aborted || max < 1) return Promise.resolve([]);
    const deliveries = this.requests.add(max, [signal, this.closing.signal]);
    this.stepping ??= this.step();
    return deliveries;
  }

  /** Ends every wait. The connections stay for what they hold. */
  async stop(): Promise<void> {
    this.closing.abort();
    this.lanes.freed();
    const waiting = this.waiting?.client.connection.close();
    await Promise.all([waiting, this.stepping]);
  }

  /** Frees the connections. */
  async close(): Promise<void> {
    await this.lanes.close();
  }

  private async step(): Promise<void> {
    try {
      while (this.requests.size > 0 || this.ahead) await this.oneStep();
    } catch (error) {
      this.ahead = undefined;
      this.requests.fail(fault(this.setup.server.address, error));
    } finally {
      this.stepping = undefined;
    }
  }

  private async oneStep(): Promise<void> {
    const jobs = (await this.takeReady()) ?? (await this.waitForOne());
    if (jobs) await this.handOut(jobs);
  }

  /** Undefined where nothing was asked for or nothing came. */
  private async takeReady(): Promise<readonly HeldJob[] | undefined> {
    const lane = this.burst > 0 ? this.lanes.withRoom() : undefined;
    const asked = this.ahead ?? (lane && ask(lane, Math.min(this.burst, this.requests.wanted)));
    this.ahead = undefined;
    if (!asked) return undefined;
    this.requests.expect();
    const came = (await this.on(asked.lane, asked.replies)).filter((job) => job !== undefined);
    this.burst = came.length === asked.count ? Math.min(asked.count * 2, MOST_AT_ONCE) : came.length;
    if (came.length > 0) return this.inspect(asked.lane, came, asked.at);
    this.requests.give([]);
    return undefined;
  }

  /** Undefined where nothing came. */
  private async waitForOne(): Promise<readonly HeldJob[] | undefined> {
    if (this.requests.size === 0) return undefined;
    const ending = this.lanes.ending() ?? (await this.lanes.endingInThisTurn());
    if (ending && !ending.canWait) {
      await this.lanes.oneFreed();
      return undefined;
    }
    const lane = ending ?? (await this.lanes.empty());
    if (this.requests.size === 0) return undefined;
    if (!lane) {
      await this.lanes.oneFreed();
      this.burst = 1;
      return undefined;
    }
    const askedAt = systemClock.monotonic();
    this.waiting = lane;
    const came = await this.on(lane, lane.client.reserve(WAIT_S)).finally(() => (this.waiting = undefined));
    if (!came) {
      this.requests.giveNothing();
      return undefined;
    }
    this.requests.expect();
    const jobs = this.inspect(lane, [came], askedAt);
    if (this.requests.wanted > 1) this.ahead = ask(lane, 1);
    else this.burst = 1;
    return jobs;
  }

  private async inspect(
    lane: Lane,
    came: readonly ReservedJob[],
    askedAt: number,
  ): Promise<readonly HeldJob[] | undefined> {
    const now = systemClock.monotonic();
    const late = now - askedAt > LATE_MS;
    const asking = came.map(async (reserved) => {
      const { client } = lane;
      const [kept, stats] = await Promise.all([late ? client.touch(reserved.id) : true, client.statsJob(reserved.id)]);
      if (!kept || !stats) return undefined;
      return new HeldJob(lane, reserved, stats, late ? now : askedAt, this.setup.leaseMs);
    });
    return (await this.on(lane, Promise.all(asking))).filter((job) => job !== undefined);
  }

  private async handOut(jobs: readonly HeldJob[]): Promise<void> {
    const { queue, handedOut, giveBack } = this.setup;
    const surplus = jobs.slice(this.requests.wanted);
    const wanted = jobs.slice(0, jobs.length - surplus.length);
    // Before the others are told, for they may ask at once for those that come next.
    await Promise.all(surplus.map((job) => giveBack(job).finally(() => job.forget())));
    for (const job of wanted) handedOut(job);
    this.requests.give(wanted.map((job) => job.delivery(queue)));
  }

  /** What a lane answers; where it fails, the connection is ended, and what it has reserved is ready again. */
  private async on<T>(lane: Lane, answers: Promise<T>): Promise<T> {
    try {
      return await answers;
    } catch (error) {
      lane.client.connection.destroy('a reserve failed');
      throw error;
    }
  }
}

/** Sent in one write. */
function ask(lane: Lane, count: number): Asked {
  const at = systemClock.monotonic();
  const replies = Promise.all(Array.from({ length: count }, () => lane.client.reserve(0)));
  // It may fail before it is looked at.
  replies.catch(() => undefined);
  return { lane, count, at, replies };
}
