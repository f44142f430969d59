import { setMaxListeners } from 'node:events';
import type { Delivery } from '../../core/backend.js';
import { systemClock } from '../../core/clock.js';
import type { ReservedJob } from './client/client.js';
import { fault } from './fault.js';
import { HeldJob } from './held-job.js';
import { Lane } from './lane.js';
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

/** The most connections for a queue. */
const MOST_LANES = 32;

/** How long a lane waits in the server, in seconds. */
const WAIT_S = 25;

/** How often the queue is looked at while every lane holds a job and so none may wait, in milliseconds. */
const LOOK_MS = 250;

/** The most jobs that are asked for at a time. */
const MOST_AT_ONCE = 100;

/** After so long a wait, the moment of its writing says too little of when a reserve was answered, in milliseconds. */
const LATE_MS = 100;

/**
 * Reserves the jobs of one queue, one step at a time:
 *
 * 1. where the last step gave jobs, ask for more that are ready, on a lane that has room: all in one write
 * 2. else let one empty lane wait for a job; it goes on waiting when all who asked have been aborted, for ending a wait
 *    takes ending the connection, and a job that is on its way then would be delivered to nobody
 * 3. ask for the counters of what has come
 * 4. put back what nobody wants any more, hand out the rest
 */
export class Reserving {
  private readonly lanes = new Set<Lane>();
  private readonly requests = new Requests();
  private readonly closing = new AbortController();
  private stepping: Promise<void> | undefined;
  /** How many to ask for without waiting. */
  private burst = 0;
  private waiting: Lane | undefined;
  /** Ends the pause in which every lane holds a job. */
  private wake: () => void = () => undefined;

  constructor(private readonly setup: ReservingSetup) {
    // As many reserves as wait listen, which is no leak.
    setMaxListeners(0, this.closing.signal);
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
    this.wake();
    const waiting = this.waiting?.client.connection.close();
    await Promise.all([waiting, this.stepping]);
  }

  /** Frees the connections. */
  async close(): Promise<void> {
    await Promise.all([...this.lanes].map((lane) => lane.client.connection.close()));
  }

  private async step(): Promise<void> {
    try {
      while (this.requests.size > 0) await this.oneStep();
    } catch (error) {
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
    const lane = this.burst > 0 ? this.laneWithRoom() : undefined;
    if (!lane) return undefined;
    const asked = Math.min(this.burst, this.requests.wanted);
    const askedAt = systemClock.monotonic();
    this.requests.expect();
    const reserving = Array.from({ length: asked }, () => lane.client.reserve(0));
    const came = (await this.on(lane, Promise.all(reserving))).filter((job) => job !== undefined);
    this.burst = came.length === asked ? Math.min(asked * 2, MOST_AT_ONCE) : came.length;
    if (came.length > 0) return this.inspect(lane, came, askedAt);
    this.requests.give([]);
    return undefined;
  }

  /** Undefined where nothing came. */
  private async waitForOne(): Promise<readonly HeldJob[] | undefined> {
    const lane = await this.emptyLane();
    if (this.requests.size === 0) return undefined;
    if (!lane) {
      await this.laneFreed();
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
    this.burst = 1;
    this.requests.expect();
    return this.inspect(lane, [came], askedAt);
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
      const job = new HeldJob(lane, reserved, stats, late ? now : askedAt, this.setup.leaseMs);
      job.onForgotten(() => this.wake());
      return job;
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

  private laneWithRoom(): Lane | undefined {
    let found: Lane | undefined;
    for (const lane of this.lanes) if (lane.hasRoom && lane.held.size >= (found?.held.size ?? 0)) found = lane;
    return found;
  }

  /** Undefined where there are as many lanes as there may be, and all hold jobs. */
  private async emptyLane(): Promise<Lane | undefined> {
    for (const lane of this.lanes) if (lane.isEmpty) return lane;
    if (this.lanes.size >= MOST_LANES) return undefined;
    const lane = await Lane.open(this.setup.server.address, this.setup.tube);
    this.lanes.add(lane);
    lane.client.connection.ended.signal.addEventListener('abort', () => this.lanes.delete(lane));
    if (this.closing.signal.aborted) await lane.client.connection.close();
    return lane;
  }

  private laneFreed(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(LOOK_MS, () => this.wake());
      this.wake = () => {
        cancel();
        this.wake = () => undefined;
        resolve();
      };
    });
  }
}
