import { randomUUID } from 'node:crypto';
import { systemClock } from './clock.js';
import { changeOrders, living, ORDERS_KEY, readOrders, type CancelOrder } from './fleet-orders.js';
import { RecordWatches } from './record-watches.js';
import type { Records } from './records.js';

/**
 * Has the process that handles a job end that, and waits until it says that it has.
 *
 * @param now milliseconds since 1970
 * @param waitMs for how long, by the system's clock
 * @returns whether one has; else nobody handles it, or its process hangs
 */
export async function orderCancel(
  records: Records,
  job: { readonly queue: string; readonly id: string },
  now: () => number,
  waitMs: number,
): Promise<boolean> {
  const order: CancelOrder = { token: randomUUID(), queue: job.queue, id: job.id, at: now() };
  const answered = (text: string | undefined): boolean =>
    readOrders(text).cancels.some(({ token, doneBy }) => token === order.token && doneBy !== undefined);
  await changeOrders(records, now(), (orders) => ({ ...orders, cancels: [...orders.cancels, order] }));
  const done = await heard(records, answered, waitMs);
  let late = false;
  await changeOrders(records, now(), (orders) => {
    // It may have been done just now.
    late = orders.cancels.some(({ token, doneBy }) => token === order.token && doneBy !== undefined);
    const cancels = orders.cancels.filter(({ token }) => token !== order.token);
    return cancels.length === orders.cancels.length ? orders : { ...orders, cancels };
  });
  return done || late;
}

/** Whether the orders come to say so in time. */
async function heard(records: Records, says: (text: string | undefined) => boolean, waitMs: number): Promise<boolean> {
  const watches = new RecordWatches(() => Promise.resolve(records), systemClock);
  return new Promise((resolve) => {
    const end = (said: boolean): void => {
      leave();
      cancelTimer();
      resolve(said);
    };
    const cancelTimer = systemClock.after(waitMs, () => end(false));
    const leave = watches.join(ORDERS_KEY, (text) => {
      if (says(text)) end(true);
    });
  });
}

/** A running job as one who cancels it sees it. */
export interface CancellableRun {
  /** Ends it, unless it is over; whether it did. */
  cancel(): boolean;
}

/** What this process has been told to cancel. */
export class CancelOrders {
  private orders: readonly CancelOrder[] = [];
  /** What was done here already, by token, though the record may not say so yet. */
  private readonly done = new Set<string>();

  /**
   * @param runsOf the runs of a job here
   * @param tell says that an order is done
   * @param now milliseconds since 1970
   */
  constructor(
    private readonly runsOf: (queue: string, id: string) => Iterable<CancellableRun>,
    private readonly tell: (order: CancelOrder) => void,
    private readonly now: () => number,
  ) {}

  follow(orders: readonly CancelOrder[]): void {
    this.orders = living(orders, this.now()).filter(({ doneBy }) => doneBy === undefined);
    for (const token of this.done) if (!orders.some((order) => order.token === token)) this.done.delete(token);
    for (const order of this.orders) for (const run of this.runsOf(order.queue, order.id)) this.carryOut(order, run);
  }

  /** A job was taken just now: one that was on its way here when it was cancelled is ended, too. */
  taken(queue: string, id: string, run: CancellableRun): void {
    if (this.orders.length === 0) return;
    for (const order of living(this.orders, this.now())) {
      if (order.id === id && order.queue === queue) this.carryOut(order, run);
    }
  }

  private carryOut(order: CancelOrder, run: CancellableRun): void {
    if (this.done.has(order.token) || !run.cancel()) return;
    this.done.add(order.token);
    this.tell(order);
  }
}
