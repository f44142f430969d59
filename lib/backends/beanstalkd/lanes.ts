import { setImmediate } from 'node:timers/promises';
import { systemClock } from '../../core/clock.js';
import type { Address } from './client/connect.js';
import { Lane } from './lane.js';

/** The most connections for a queue. */
const MOST_LANES = 32;

/** How often the queue is looked at while every lane holds a job and so none may wait, in milliseconds. */
const LOOK_MS = 250;

/** The connections that reserve from one tube. */
export class Lanes {
  private readonly all = new Set<Lane>();
  /** Ends the pause in which every lane holds a job. */
  private wake: () => void = () => undefined;

  constructor(
    private readonly address: Address,
    private readonly tube: string,
    private readonly closing: AbortSignal,
  ) {}

  /** One that can hold more, the fullest of them. */
  withRoom(): Lane | undefined {
    let found: Lane | undefined;
    for (const lane of this.all) if (lane.hasRoom && lane.held.size >= (found?.held.size ?? 0)) found = lane;
    return found;
  }

  /** One whose jobs all end just now: the last of what it sends for them and its next reserve go in one write. */
  ending(): Lane | undefined {
    for (const lane of this.all) if (lane.isEnding) return lane;
    return undefined;
  }

  /** Likewise, once what was just handed out has had its turn: most handlers that ask nobody have ended then. */
  async endingInThisTurn(): Promise<Lane | undefined> {
    for (const lane of this.all) {
      if (lane.held.size === 0) continue;
      await setImmediate();
      return this.ending();
    }
    return undefined;
  }

  /** Undefined where there are as many as there may be, and all hold jobs. */
  async empty(): Promise<Lane | undefined> {
    for (const lane of this.all) if (lane.canWait) return lane;
    if (this.all.size >= MOST_LANES) return undefined;
    const lane = await Lane.open(this.address, this.tube, () => this.freed());
    this.all.add(lane);
    lane.client.connection.ended.signal.addEventListener('abort', () => this.all.delete(lane));
    if (this.closing.aborted) await lane.client.connection.close();
    return lane;
  }

  /** Resolves once one may hold less, and after a while at the latest. */
  oneFreed(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = systemClock.after(LOOK_MS, () => this.wake());
      this.wake = () => {
        cancel();
        this.wake = () => undefined;
        resolve();
      };
    });
  }

  /** One may hold less, or nobody wants to know any more. */
  freed(): void {
    this.wake();
  }

  async close(): Promise<void> {
    await Promise.all([...this.all].map((lane) => lane.client.connection.close()));
  }
}
