import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import { checkedSchedule, type Schedule } from '../../lib/core/schedule.js';
import { Scheduler } from '../../lib/core/scheduler.js';
import { tickId, tickRecord } from '../../lib/core/ticks.js';
import { handler, Workshop } from './workshop.js';

let shop: Workshop;
const schedulers: Scheduler[] = [];

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(async () => {
  for (const one of schedulers.splice(0)) one.stop();
  await shop.close();
});

/** Another process that has schedules. */
function process(publish = shop.publisher.publishTick.bind(shop.publisher)): Scheduler {
  const scheduler = new Scheduler({
    backend: () => Promise.resolve(shop.engine),
    publish,
    clock: shop.clock,
    reporter: shop.lines,
  });
  schedulers.push(scheduler);
  return scheduler;
}

function every(cron: string, options: object = {}): Schedule {
  return checkedSchedule(cron, 'report', { kind: 'daily' }, options);
}

/** When the jobs of ticks were published, by their ids. */
function ticks(): string[] {
  return shop.happened.flatMap(([name, event]) => (name === 'published' && event.duplicate !== true ? [event.id] : []));
}

test('each tick is published once, whatever number of processes has it', async () => {
  for (const one of [process(), process(), process()]) one.add(every('*/10 * * * *', { name: 'tidy', priority: 3 }));
  await shop.clock.advance(25 * 60_000);
  expect(ticks()).toEqual(['tidy-2026-11-21T09.10.00.000Z', 'tidy-2026-11-21T09.20.00.000Z']);
  expect(shop.happened[0]?.[1]).toMatchObject({ name: 'report', priority: 3 });
});

test('a tick whose process died before it published is published by another', async () => {
  const dying = process(() => new Promise(() => undefined));
  dying.add(every('* * * * *'));
  process().add(every('* * * * *'));
  await shop.clock.advance(60_000);
  expect(ticks()).toEqual([]);
  dying.stop();
  await shop.clock.advance(6_000);
  expect(ticks()).toEqual(['report-2026-11-21T09.01.00.000Z']);
});

test('a tick that was claimed just after another process had looked back is published by that one', async () => {
  await shop.clock.advance(60_000);
  process().add(every('* * * * *'));
  await shop.now();
  const tick = shop.clock.now();
  await shop.engine.records?.claim(tickRecord(tickId('report', tick)), `claimed ${tick + 5_000} by the dead`, 60_000);
  await shop.clock.advance(11_000);
  expect(ticks()).toEqual(['report-2026-11-21T09.01.00.000Z']);
});

test('a tick whose process died after it published is not handled twice', async () => {
  shop.consume([handler('report', () => undefined)]);
  const dying = process(async (job, payload, options) => {
    await shop.publisher.publishTick(job, payload, options);
    return new Promise(() => undefined);
  });
  dying.add(every('* * * * *'));
  process().add(every('* * * * *'));
  await shop.clock.advance(59_000);
  await shop.clock.advance(10_000);
  expect(shop.story).toEqual(['started', 'completed']);
  expect(ticks().length).toBe(1);
});

test('where the engine finds no duplicates, the second job of a tick is dropped', async () => {
  shop.consume([handler('report', () => undefined)]);
  await shop.publisher.publishTick('report', null, { id: 'report-t' });
  await shop.now();
  await shop.publisher.publishTick('report', null, { id: 'report-t' });
  await shop.now();
  expect(shop.story).toEqual(['started', 'completed', 'dropped']);
});

test('an engine that fails is waited for, and the tick is not lost', async () => {
  const { publish } = shop.engine;
  shop.engine.publish = () => Promise.reject(new BackendError('away', { passing: true }));
  process().add(every('0 10 * * *'));
  await shop.clock.advance(3_700_000);
  expect(ticks()).toEqual([]);
  expect(shop.lines.all.join()).toContain('schedule "report": its tick of 2026-11-21T10:00:00.000Z waits');
  shop.engine.publish = publish;
  await shop.clock.advance(10_000);
  expect(ticks()).toEqual(['report-2026-11-21T10.00.00.000Z']);
});

test('a tick that is refused is left out, and said', async () => {
  process().add(checkedSchedule('* * * * *', 'report', { at: new Date(0) }, {}));
  await shop.clock.advance(120_000);
  expect(ticks()).toEqual([]);
  expect(shop.lines.all.filter((line) => line.includes('is left out')).length).toBe(2);
});

test('a clock that is set back brings no tick again', async () => {
  const one = process();
  one.add(every('* * * * *'));
  await shop.clock.advance(120_000);
  const { now } = shop.clock;
  shop.clock.now = () => now.call(shop.clock) - 3_600_000;
  await shop.clock.advance(300_000);
  expect(ticks().length).toBe(2);
  shop.clock.now = now;
});

test('what was missed is caught up with only where the schedule says so', async () => {
  const first = process();
  for (const catchUp of [false, 'last', 'all']) {
    first.add(every('0 * * * *', { name: `by-${catchUp}`, catchUp }));
  }
  await shop.clock.advance(3_600_000);
  expect(ticks().length).toBe(3);
  first.stop();
  await shop.clock.advance(5 * 3_600_000 + 600_000);
  expect(ticks().length).toBe(3);
  for (const second of [process(), process()]) {
    for (const catchUp of [false, 'last', 'all']) {
      second.add(every('0 * * * *', { name: `by-${catchUp}`, catchUp }));
    }
  }
  await shop.now();
  const later = ticks().slice(3);
  expect(later.filter((id) => id.startsWith('by-false')).length).toBe(0);
  expect(later.filter((id) => id.startsWith('by-last'))).toEqual(['by-last-2026-11-21T15.00.00.000Z']);
  expect(later.filter((id) => id.startsWith('by-all')).length).toBe(5);
});

test('a schedule that is stopped publishes nothing more; its name is free', async () => {
  const scheduler = process();
  const ref = scheduler.add(every('* * * * *'));
  expect(ref.nextAt).toBe(Date.parse('2026-11-21T09:01:00.000Z'));
  expect(() => scheduler.add(every('@daily'))).toThrow('there is a schedule "report" already');
  ref.stop();
  expect([ref.nextAt, scheduler.nextAt]).toEqual([undefined, undefined]);
  await shop.clock.advance(120_000);
  expect(ticks()).toEqual([]);
  scheduler.add(every('@daily'));
});
