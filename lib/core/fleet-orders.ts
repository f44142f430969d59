import { systemClock } from './clock.js';
import type { JobEventName } from './events.js';
import { changeRecord, readRecord } from './fleet-change.js';
import type { Records } from './records.js';

/** The key of the record that says what all processes are to do. */
export const ORDERS_KEY = 'fleet:orders';

/** Orders hold until they are taken back. */
export const ORDERS_TTL_MS = 10 * 365 * 24 * 3_600_000;

/** For how long a cancellation that nobody takes back is heeded: by then, who gave it has died. Milliseconds. */
const CANCEL_LIFE_MS = 60_000;

/** That nobody is to take jobs of a queue. */
export interface PausedQueue {
  readonly queue: string;
  /** Milliseconds since 1970. */
  readonly since: number;
  /** Who said so: host and process. */
  readonly by?: string | undefined;
}

/** That whoever handles a job is to end that. */
export interface CancelOrder {
  /** Tells it from others of the same job. */
  readonly token: string;
  readonly queue: string;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The process that has done it. */
  readonly doneBy?: string;
}

/** That all processes are to tell of what happens to jobs. */
export interface FollowOrder {
  /** Tells it from others. */
  readonly token: string;
  /** The events that are meant. */
  readonly names: readonly JobEventName[];
  /** By then it is said anew, or who gave it has died. Milliseconds since 1970, by the system's clock. */
  readonly until: number;
}

export interface Orders {
  readonly paused: readonly PausedQueue[];
  readonly cancels: readonly CancelOrder[];
  readonly following: readonly FollowOrder[];
}

/** What the record says; what can't be read of it, and what an earlier version has not written, is as if it were not there. */
export function readOrders(text: string | undefined): Orders {
  const read = readRecord<Partial<Orders>>(text);
  return {
    paused: listOf(read?.paused, ({ queue, since }) => typeof queue === 'string' && Number.isFinite(since)),
    cancels: listOf(read?.cancels, ({ token, at }) => typeof token === 'string' && Number.isFinite(at)),
    following: listOf(read?.following, ({ token, names, until }) => {
      return typeof token === 'string' && Array.isArray(names) && Number.isFinite(until);
    }),
  };
}

function listOf<Order>(list: readonly Order[] | undefined, isOne: (one: Order) => boolean): readonly Order[] {
  return Array.isArray(list) ? (list as Order[]).filter((one) => typeof one === 'object' && one && isOne(one)) : [];
}

/** @param now milliseconds since 1970 */
export function living(orders: readonly CancelOrder[], now: number): readonly CancelOrder[] {
  return orders.filter(({ at }) => now - at < CANCEL_LIFE_MS);
}

/**
 * Changes what all processes are to do; what gives the same orders changes nothing.
 *
 * @param now milliseconds since 1970
 */
export async function changeOrders(records: Records, now: number, change: (orders: Orders) => Orders): Promise<void> {
  await changeRecord(records, ORDERS_KEY, ORDERS_TTL_MS, (text) => {
    const before = readOrders(text);
    const after = change(before);
    if (after === before) return undefined;
    const following = after.following.filter(({ until }) => until > systemClock.now());
    // What a later version has added stays.
    return JSON.stringify({ ...readRecord<object>(text), ...after, cancels: living(after.cancels, now), following });
  });
}

export async function pausedQueues(records: Records): Promise<readonly PausedQueue[]> {
  return readOrders((await records.get(ORDERS_KEY))?.text).paused;
}

/**
 * Has all processes take no more jobs of a queue, from the next 100 ms on until it is resumed. One that is paused already
 * stays as it is.
 *
 * @param by who says so
 * @param now milliseconds since 1970
 * @returns whether it was not paused before
 */
export async function pauseQueue(records: Records, queue: string, by: string, now: number): Promise<boolean> {
  let changed = false;
  await changeOrders(records, now, (orders) => {
    changed = orders.paused.every((one) => one.queue !== queue);
    return changed ? { ...orders, paused: [...orders.paused, { queue, since: now, by }] } : orders;
  });
  return changed;
}

/** Has all processes take jobs of a queue again; false where it was not paused. */
export async function resumeQueue(records: Records, queue: string, now: number): Promise<boolean> {
  let changed = false;
  await changeOrders(records, now, (orders) => {
    const paused = orders.paused.filter((one) => one.queue !== queue);
    changed = paused.length < orders.paused.length;
    return changed ? { ...orders, paused } : orders;
  });
  return changed;
}
