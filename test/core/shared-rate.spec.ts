import { describe, expect, test } from 'vitest';
import { MemoryRecords } from '../../lib/backends/memory/memory-records.js';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';
import { BackendError } from '../../lib/core/backend.js';
import type { Records } from '../../lib/core/records.js';
import { SharedRate, type RatePlace } from '../../lib/core/shared-rate.js';

const START = Date.parse('2026-11-21T09:00:00.000Z');

function house(): { clock: VirtualClock; records: Records; claims: () => number } {
  const clock = new VirtualClock(START);
  const records = new MemoryRecords(clock);
  let claims = 0;
  const claim: Records['claim'] = (...args) => {
    claims += 1;
    return records.claim(...args);
  };
  return { clock, records: Object.assign(Object.create(records) as Records, { claim }), claims: () => claims };
}

function rateOn(
  { clock, records }: { clock: VirtualClock; records?: Records },
  max: number,
  perMs = 1_000,
  shared = true,
): SharedRate {
  return new SharedRate({ what: 'queue:mail', rate: { max, perMs }, clock, records, shared });
}

/** Takes what can be taken, and begins that. */
async function takeAll(rate: SharedRate): Promise<number> {
  let count = 0;
  for (let place = await rate.take(); place; place = await rate.take()) {
    place.begin();
    count += 1;
  }
  return count;
}

/** The most calls within any time of this length, the calls at its end left out. */
function most(calls: readonly number[], perMs: number): number {
  return Math.max(0, ...calls.map((from) => calls.filter((at) => at >= from && at < from + perMs).length));
}

describe('a rate', () => {
  for (const max of [1, 3, 10, 100, 101, 250, 1_000]) {
    test(`of ${max} lets that many begin, nearly all of them together, and none more`, async () => {
      const taken = await takeAll(rateOn(house(), max));
      expect(taken).toBeLessThanOrEqual(max);
      expect(taken).toBeGreaterThan(0.66 * max);
      expect(await takeAll(rateOn({ clock: new VirtualClock(START) }, max, 1_000, false))).toBe(max);
    });
  }

  for (const [max, perMs] of [
    [1, 500],
    [7, 1_000],
    [230, 1_000],
  ] as const) {
    test(`of ${max} within ${perMs} ms holds in any such time, over three processes`, async () => {
      const shop = house();
      const rates = [1, 2, 3].map(() => rateOn(shop, max, perMs));
      const calls: number[] = [];
      let state = 7;
      while (shop.clock.now() < START + 6 * perMs) {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
        const place = await rates[state % 3]?.take();
        // Some begin later than they might.
        if (state % 5 === 0) await shop.clock.advance(3 + (state % 40));
        if (place) {
          calls.push(shop.clock.now());
          place.begin();
        } else await shop.clock.advance(perMs / 50);
      }
      expect(most(calls, perMs)).toBeLessThanOrEqual(max);
      expect(calls.length).toBeGreaterThan(3 * max);
    });
  }

  test('gives no place whose claim took so long that another has it', async () => {
    const { clock, records } = house();
    const other = rateOn({ clock, records }, 1);
    let claims = 0;
    const slow: Records['claim'] = async (...args) => {
      const living = await records.claim(...args);
      if (claims++ > 0) return living;
      await clock.advance(1_500);
      (await other.take())?.begin();
      return living;
    };
    const rate = rateOn({ clock, records: Object.assign(Object.create(records) as Records, { claim: slow }) }, 1);
    expect(await rate.take()).toBeUndefined();
    expect(claims).toBeGreaterThan(0);
    expect(await other.take()).toBeUndefined();
  });

  test('counts the time of a place whose claim was slow from when the call may begin', async () => {
    const { clock, records } = house();
    const slow: Records['claim'] = async (...args) => {
      const living = await records.claim(...args);
      await clock.advance(900);
      return living;
    };
    const rate = rateOn({ clock, records: Object.assign(Object.create(records) as Records, { claim: slow }) }, 1);
    const other = rateOn({ clock, records }, 1);
    const place = await rate.take();
    // As long as the engine takes to hear that it begins later: nothing is left to a race.
    expect(place?.lapsed).toBe(false);
    await clock.advance(200);
    expect(await other.take()).toBeUndefined();
    await clock.advance(1_000);
    expect(place?.lapsed).toBe(true);
    expect(await other.take()).toBeDefined();
  });

  test('that is used up is not asked for again until a place is free', async () => {
    const shop = house();
    const [mine, others] = [rateOn(shop, 5), rateOn(shop, 5)];
    await takeAll(others);
    expect(await mine.take()).toBeUndefined();
    const asked = shop.claims();
    for (let again = 0; again < 50; again++) expect(await mine.take()).toBeUndefined();
    expect(shop.claims()).toBe(asked);
    expect(mine.room).toBe(0);
    expect(mine.freeAt - START).toBeGreaterThanOrEqual(1_000);
    await shop.clock.advance(mine.freeAt - START);
    expect(await takeAll(mine)).toBe(5);
  });

  test('gives back what no call came of', async () => {
    const shop = house();
    const rate = rateOn(shop, 2);
    const places = [await rate.take(), await rate.take()];
    expect(await rate.take()).toBeUndefined();
    for (const place of places) place?.giveBack();
    expect(await takeAll(rateOn(shop, 2))).toBe(2);
  });

  test('tells jobs that wait or come again one time each', async () => {
    const shop = house();
    const rate = rateOn(shop, 2, 1_000, false);
    await takeAll(rate);
    await shop.clock.advance(100);
    expect(Array.from({ length: 5 }, () => rate.allot() - START)).toEqual([1_000, 1_000, 2_000, 2_000, 3_000]);
    await shop.clock.advance(1_000);
    expect(rate.turnAt - START).toBe(2_101);
  });

  test('rejects where the engine fails, and loses no place by that', async () => {
    const shop = house();
    const { claim } = shop.records;
    shop.records.claim = () => Promise.reject(new BackendError('away', { passing: true }));
    const rate = rateOn(shop, 3);
    await expect(rate.take()).rejects.toThrow('away');
    shop.records.claim = claim;
    expect(await takeAll(rate)).toBe(3);
  });

  test('is kept within the process where the engine keeps no records', async () => {
    const clock = new VirtualClock(START);
    const rate = rateOn({ clock }, 3);
    expect(await takeAll(rate)).toBe(3);
    await clock.advance(999);
    expect(await rate.take()).toBeUndefined();
    await clock.advance(1);
    const places: (RatePlace | undefined)[] = [await rate.take()];
    expect(places).not.toContain(undefined);
  });
});
