import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';
import type { Backend, Delivery } from '../../lib/core/backend.js';
import { LeaseKeeper, type Leased } from '../../lib/core/lease-keeper.js';
import { Outage } from '../../lib/core/outage.js';

const LEASE = 30_000;
let clock: VirtualClock;
let lines: string[];
let extend: (delivery: Delivery) => Promise<boolean>;
let asked: string[];
let keeper: LeaseKeeper;

beforeEach(() => {
  clock = new VirtualClock();
  lines = [];
  asked = [];
  extend = () => Promise.resolve(true);
  const reporter = {
    log: (line: string) => lines.push(line),
    warn: () => undefined,
    error: (line: string) => lines.push(line),
  };
  keeper = new LeaseKeeper(backend(), clock, new Outage('engine', clock, reporter));
});

function backend(): Backend {
  const never = (): never => {
    throw new Error('not asked for here');
  };
  return {
    traits: {
      name: 'engine',
      durability: 'none',
      shared: false,
      leaseMs: LEASE,
      delayStepMs: 1,
      exactPriorities: 1,
      findsDuplicates: true,
      history: true,
    },
    publish: never,
    reserve: never,
    settle: never,
    extend: (delivery) => {
      asked.push(delivery.receipt);
      return extend(delivery);
    },
    close: never,
  };
}

function leased(receipt: string, leasedAt = clock.monotonic()): Leased & { lost: number } {
  const content = { id: receipt, name: 'x', payload: null, priority: 1, attemptsUsed: 0, headers: {} };
  const delivery = { queue: 'q', receipt, attempt: 1, content, storedAt: 0, leasedAt, failures: [] };
  return {
    delivery,
    lost: 0,
    loseLease() {
      this.lost += 1;
    },
  };
}

describe('a lease', () => {
  test('whose loss the backend tells is lost at once, and only once', async () => {
    const one = leased('one');
    let tell = (): void => undefined;
    const delivery = { ...one.delivery, onLeaseLost: (listener: () => void) => void (tell = listener) };
    const told = { ...one, delivery };
    keeper.add(told);
    expect(told.lost).toBe(0);
    tell();
    tell();
    expect({ lapsed: keeper.lapsed(told), lost: told.lost }).toEqual({ lapsed: true, lost: 1 });
    await clock.advance(LEASE);
    expect({ asked, lost: told.lost }).toEqual({ asked: [], lost: 1 });
  });

  test('whose loss the backend tells after its end is of no interest', () => {
    const one = leased('one');
    let tell = (): void => undefined;
    const told = {
      ...one,
      delivery: { ...one.delivery, onLeaseLost: (listener: () => void) => void (tell = listener) },
    };
    keeper.add(told);
    keeper.remove(told);
    tell();
    expect(told.lost).toBe(0);
  });

  test('is renewed at a third of its length, as long as it is kept', async () => {
    const one = leased('one');
    keeper.add(one);
    await clock.advance(9_999);
    expect(asked).toEqual([]);
    await clock.advance(1);
    expect(asked).toEqual(['one']);
    await clock.advance(3_600_000);
    expect(asked).toHaveLength(361);
    expect({ lapsed: keeper.lapsed(one), lost: one.lost }).toEqual({ lapsed: false, lost: 0 });
  });

  test('that begins between two rounds is renewed with the next', async () => {
    keeper.add(leased('one'));
    await clock.advance(9_000);
    const two = leased('two');
    keeper.add(two);
    await clock.advance(1_000);
    expect(asked).toEqual(['one', 'two']);
    await clock.advance(100_000);
    expect(two.lost).toBe(0);
  });

  test('that is given back is not renewed, and leaves no timer behind the last', async () => {
    const one = leased('one');
    keeper.add(one);
    keeper.remove(one);
    expect(keeper.lapsed(one)).toBe(true);
    await clock.advance(60_000);
    expect(asked).toEqual([]);
    keeper.add(leased('two'));
    await clock.advance(10_000);
    expect(asked).toEqual(['two']);
  });

  test('that the engine says is lost is lost at once, and said once', async () => {
    const [one, two] = [leased('one'), leased('two')];
    keeper.add(one);
    keeper.add(two);
    extend = ({ receipt }) => Promise.resolve(receipt !== 'one');
    await clock.advance(100_000);
    expect([one.lost, two.lost]).toEqual([1, 0]);
    expect([keeper.lapsed(one), keeper.lapsed(two)]).toEqual([true, false]);
    expect(asked.filter((receipt) => receipt === 'one')).toHaveLength(1);
  });

  test('that can not be renewed is lost when its length has passed, the outage being said once', async () => {
    const one = leased('one');
    keeper.add(one);
    extend = () => Promise.reject(new Error('gone'));
    await clock.advance(29_999);
    expect({ lapsed: keeper.lapsed(one), lost: one.lost }).toEqual({ lapsed: false, lost: 0 });
    await clock.advance(1);
    expect({ lapsed: keeper.lapsed(one), lost: one.lost }).toEqual({ lapsed: true, lost: 1 });
    await clock.advance(60_000);
    expect(one.lost).toBe(1);
    expect(lines).toEqual(['engine fails: gone. Trying again until it is back.']);
  });

  test('that can not be renewed for a while is kept', async () => {
    const one = leased('one');
    keeper.add(one);
    extend = () => Promise.reject(new Error('gone'));
    await clock.advance(25_000);
    extend = () => Promise.resolve(true);
    await clock.advance(100_000);
    expect(one.lost).toBe(0);
    expect(lines).toEqual([
      'engine fails: gone. Trying again until it is back.',
      expect.stringMatching(/^engine is back after 1[5-8]\.\d+ s$/),
    ]);
    expect(asked.length).toBeLessThan(40);
  });

  test('is known to last from before its renewal was asked for, not from the answer', async () => {
    const one = leased('one');
    keeper.add(one);
    let answer: (kept: boolean) => void = () => undefined;
    extend = () => new Promise((resolve) => (answer = resolve));
    await clock.advance(19_000);
    answer(true);
    await clock.advance(0);
    extend = () => new Promise(() => undefined);
    await clock.advance(20_999);
    expect(keeper.lapsed(one)).toBe(false);
    await clock.advance(1);
    expect(keeper.lapsed(one)).toBe(true);
  });

  test('is lost when its length has passed, though its renewal is never answered', async () => {
    const one = leased('one');
    keeper.add(one);
    extend = () => new Promise(() => undefined);
    await clock.advance(30_000);
    expect({ lost: one.lost, asked }).toEqual({ lost: 1, asked: ['one'] });
  });

  test('whose renewal is answered after it was given back stays so', async () => {
    const one = leased('one');
    keeper.add(one);
    let answer: (kept: boolean) => void = () => undefined;
    extend = () => new Promise((resolve) => (answer = resolve));
    await clock.advance(10_000);
    keeper.remove(one);
    answer(false);
    await clock.advance(60_000);
    expect({ lost: one.lost, asked: asked.length }).toEqual({ lost: 0, asked: 1 });
  });

  test('that had lapsed when it was handed out has lapsed', () => {
    const one = leased('one', clock.monotonic() - LEASE);
    keeper.add(one);
    expect(keeper.lapsed(one)).toBe(true);
  });

  test('that lapsed while this process was stopped is lost without being renewed', async () => {
    const one = leased('one', clock.monotonic() - 25_000);
    keeper.add(one);
    await clock.advance(10_000);
    expect({ lost: one.lost, asked }).toEqual({ lost: 1, asked: [] });
  });
});

describe('a keeper that is closed', () => {
  test('renews nothing any more, and takes nothing in', async () => {
    const one = leased('one');
    keeper.add(one);
    keeper.close();
    keeper.add(leased('two'));
    await clock.advance(100_000);
    expect({ asked, lost: one.lost, lapsed: keeper.lapsed(one) }).toEqual({ asked: [], lost: 0, lapsed: true });
  });
});
