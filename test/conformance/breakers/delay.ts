import type { Message } from '../../../lib/core/message.js';
import type { Breaker, Store } from '../honest.js';
import { aborted, note, publishing, verbs } from '../changes.js';

const NOW = AbortSignal.abort();
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function delaying(change: (readyAt: number, now: number, store: Store) => number): Breaker {
  return publishing((message: Message, store) =>
    message.readyAt === undefined
      ? message
      : { ...message, readyAt: change(message.readyAt, store.clock.now(), store) },
  );
}

function puttingBack(change: (at: number, now: number) => number): Breaker {
  return verbs((honest, { clock }) => ({
    settle: (delivery, settlement) =>
      honest.settle(
        delivery,
        settlement.kind === 'again' ? { ...settlement, at: change(settlement.at, clock.now()) } : settlement,
      ),
  }));
}

/** What backends do wrong with delays, of publishing and of putting back. */
export const delayBreakers: Readonly<Record<string, Breaker>> = {
  'ignores delays': delaying(() => 0),
  'hands out a little early': delaying((readyAt) => readyAt - 20),
  'hands out a little late': delaying((readyAt) => readyAt + 20),
  'rounds delays down': delaying((readyAt) => Math.floor(readyAt / 50) * 50),
  'forgets delayed jobs': delaying((readyAt, now) => (readyAt > now ? now + 1e14 : readyAt)),
  'takes a past moment for a coming one': delaying((readyAt, now) => now + Math.abs(readyAt - now) + 1),
  'serves delayed jobs in the order of publishing': delaying((readyAt, _, store) => {
    const last = note(store, 'last', () => ({ at: 0 }));
    last.at = Math.max(last.at, readyAt);
    return last.at;
  }),
  'fires long timers at once': delaying((readyAt, now) => (readyAt - now > LONGEST_TIMER_MS ? 0 : readyAt)),
  'holds others up behind a delayed job': verbs((honest, store) => {
    const until = note(store, 'until', () => ({ at: 0 }));
    return {
      publish: (queue, messages) => {
        for (const { readyAt, priority } of messages) {
          if (priority === 0) until.at = Math.max(until.at, readyAt ?? 0);
        }
        return honest.publish(queue, messages);
      },
      settle: (delivery, settlement) => {
        if (settlement.kind === 'again') until.at = Math.max(until.at, settlement.at);
        return honest.settle(delivery, settlement);
      },
      reserve: async (queue, max, signal) => {
        if (until.at > store.clock.now()) {
          await aborted(signal, new Promise<void>((done) => store.clock.after(1000, done)));
          return [];
        }
        return honest.reserve(queue, max, signal);
      },
    };
  }),
  'looks for due jobs only when something is published': verbs((honest, store) => {
    const wakers = note(store, 'wakers', () => new Set<() => void>());
    return {
      publish: async (queue, messages) => {
        const receipts = await honest.publish(queue, messages);
        for (const wake of wakers) wake();
        return receipts;
      },
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, NOW);
        if (some.length > 0) return some;
        await aborted(signal, new Promise<void>((wake) => wakers.add(wake)));
        return honest.reserve(queue, max, NOW);
      },
    };
  }),
  'ignores until when a job is put back': puttingBack(() => 0),
  'puts back a little early': puttingBack((at) => at - 20),
  'puts back a second late': puttingBack((at, now) => Math.max(at, now) + 1000),
  'fires long timers of jobs put back at once': puttingBack((at, now) => (at - now > LONGEST_TIMER_MS ? 0 : at)),
};
