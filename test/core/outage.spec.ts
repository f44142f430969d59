import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';
import { Outage } from '../../lib/core/outage.js';
import { unreadableError } from './hostile.js';

let clock: VirtualClock;
let lines: string[];
let outage: Outage;
const [reader, writer] = [{}, {}];

beforeEach(() => {
  clock = new VirtualClock();
  lines = [];
  outage = new Outage('filer', clock, {
    log: (line) => lines.push(`log: ${line}`),
    warn: (line) => lines.push(`warn: ${line}`),
    error: (line) => lines.push(`error: ${line}`),
  });
});

const BEGINS = 'error: filer fails: the disk is full. Trying again until it is back.';
const full = new Error('the disk is full');

describe('an outage', () => {
  test('is said once when it begins, and once with its length when it is over', async () => {
    outage.passed(reader);
    expect(lines).toEqual([]);
    for (let n = 0; n < 100; n++) outage.failed(n % 2 ? reader : writer, full);
    expect(lines).toEqual([BEGINS]);
    await clock.advance(12_345);
    outage.passed(reader);
    outage.passed(writer);
    for (let n = 0; n < 100; n++) outage.passed(n % 2 ? reader : writer);
    expect(lines).toEqual([BEGINS, 'log: filer is back after 12.345 s']);
  });

  test('goes on while one of those that failed has not passed', () => {
    outage.failed(writer, full);
    for (let n = 0; n < 100; n++) {
      outage.passed(reader);
      outage.failed(writer, full);
    }
    expect(lines).toEqual([BEGINS]);
    outage.passed(writer);
    expect(lines).toHaveLength(2);
  });

  test('is over with the next that passes, where those that failed have given up', () => {
    outage.failed(writer, full);
    outage.gaveUp(writer);
    expect(lines).toEqual([BEGINS]);
    outage.failed(reader, full);
    outage.gaveUp({});
    outage.passed(writer);
    expect(lines).toEqual([BEGINS]);
    outage.passed(reader);
    expect(lines).toEqual([BEGINS, 'log: filer is back after 0 s']);
  });

  test('may follow another', () => {
    outage.failed(reader, full);
    outage.passed(reader);
    outage.failed(reader, full);
    outage.passed(reader);
    expect(lines).toHaveLength(4);
  });

  test('may come of anything thrown', () => {
    outage.failed(reader, undefined);
    expect(lines[0]).toContain('undefined was thrown');
    outage.passed(reader);
    outage.failed(reader, unreadableError());
    expect(lines[2]).toContain('filer fails: ');
  });
});

describe('the wait before the next try', () => {
  async function waited(failures: number): Promise<number> {
    const { signal } = new AbortController();
    let ended = false;
    void outage.wait(failures, signal).then(() => (ended = true));
    const began = clock.now();
    while (!ended) await clock.advance(10);
    return clock.now() - began;
  }

  test.each([
    [0, 50, 110],
    [1, 100, 210],
    [3, 400, 810],
    [7, 5_000, 10_010],
    [2000, 5_000, 10_010],
  ])('after %d failures is jittered, and has a bound', async (failures, least, most) => {
    for (let n = 0; n < 3; n++) {
      const ms = await waited(failures);
      expect(ms).toBeGreaterThanOrEqual(least);
      expect(ms).toBeLessThanOrEqual(most);
    }
  });

  test('ends with its signal', async () => {
    const controller = new AbortController();
    const ended = outage.wait(20, controller.signal);
    controller.abort();
    await ended;
  });
});
