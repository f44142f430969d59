import { afterEach, expect, test, vi } from 'vitest';
import { Shift } from './support/shift.js';
import { until } from './support/until.js';
import { watchedDisk, type Act } from './support/watched-disk.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

const now = Date.now.bind(Date);

/** Lets the wall clock of this process step. */
function stepBy(ms: number): void {
  vi.spyOn(Date, 'now').mockImplementation(() => now() + Math.round(ms));
}

afterEach(() => vi.restoreAllMocks());

test('delayed jobs cost nothing until they are due', async () => {
  const yard = await Yard.make();
  const publishing = await yard.open();
  const later = now() + AN_HOUR_MS;
  await yard.publish(publishing, ...Array.from({ length: 300 }, (_, n) => ({ id: `d-${n}`, readyAt: later + n })));
  await publishing.close();
  const acts: Act[] = [];
  const backend = await yard.open({ sweepMs: 10, disk: watchedDisk((act) => void acts.push(act)) });
  const sweeps = (): number =>
    acts.filter(({ operation, paths }) => operation === 'stat' && paths[0]?.endsWith('/delayed')).length;
  const waiting = backend.reserve(yard.queue, 1, AbortSignal.timeout(15_000));
  await until('twenty sweeps', () => sweeps() > 20);
  expect(acts.filter(({ paths }) => paths.some((path) => path.includes('/delayed/')))).toEqual([]);
  const readings = acts.filter(({ operation, paths }) => operation === 'list' && paths[0]?.endsWith('/delayed'));
  expect(readings.length).toBeLessThan(5);
  await yard.publish(backend, { id: 'now' });
  expect((await waiting).map(({ content }) => content.id)).toEqual(['now']);
  expect(acts.filter(({ paths }) => paths.some((path) => path.includes('/delayed/')))).toEqual([]);
});

test.each([30 * 24, 10 * 365 * 24, (Date.UTC(9999, 11, 31) - now()) / AN_HOUR_MS])(
  'a job may be delayed by %d hours',
  async (hours) => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const readyAt = Math.floor(now() + hours * AN_HOUR_MS);
    await yard.publish(backend, { id: 'far', readyAt }, { id: 'near' });
    const shift = new Shift(backend, { job: () => undefined });
    await shift.hears('completed');
    expect(await yard.list('delayed')).toEqual([expect.stringMatching(/,far$/)]);
    stepBy(hours * AN_HOUR_MS + 1_000);
    await shift.hears('completed', 2);
    expect(shift.calls.map(({ id, attempt }) => [id, attempt])).toEqual([
      ['near', 1],
      ['far', 1],
    ]);
  },
);

test('a job that falls due while no process is there is handed out by the next', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const readyAt = now() + 30;
  await yard.publish(backend, { id: 'late', readyAt });
  await backend.close();
  await until('it is due', () => now() > readyAt);
  const next = await yard.open({ sweepMs: AN_HOUR_MS });
  expect((await yard.takeOne(next)).content.id).toBe('late');
});

test('jobs that fall due together come the most urgent first', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const readyAt = now() + 50;
  await yard.publish(backend, ...[5, 1, 9, 3].map((priority) => ({ readyAt, priority, payload: priority })));
  await yard.publish(backend, { readyAt, priority: 4, payload: 4 });
  await until('they are due', () => now() > readyAt);
  const payloads = (await yard.take(backend, 5, 1)).map(({ content }) => 'payload' in content && content.payload);
  expect(payloads).toEqual([1, 3, 4, 5, 9]);
});

test.each([AN_HOUR_MS, -AN_HOUR_MS])(
  'a step of the clock by %d ms takes no job from a worker that lives',
  async (step) => {
    const yard = await Yard.make();
    const wish = { leaseMs: 400, sweepMs: 20 };
    const [worker, other] = [await yard.open(wish), await yard.open(wish)];
    const elsewhere = await yard.open({
      ...wish,
      owners: { self: 'elsewhere-1-1', isDead: () => false, isAlive: () => false },
    });
    await yard.publish(worker, { id: 'before' }, { id: 'elsewhere' });
    const before = await yard.takeOne(worker);
    const theirs = await yard.takeOne(elsewhere);
    const waiting = other.reserve(yard.queue, 1, AbortSignal.timeout(2_000));
    let isOver = false;
    void waiting.then(() => (isOver = true));
    await yard.shell('sleep 0.1');
    stepBy(step);
    await yard.publish(worker, { id: 'after' });
    const after = (await waiting)[0] ?? (await yard.takeOne(other));
    expect(after.content.id).toBe('after');
    isOver = false;
    const looking = worker.reserve(yard.queue, 1, AbortSignal.timeout(1_500));
    void looking.then(() => (isOver = true));
    while (!isOver) {
      expect(await worker.extend(before)).toBe(true);
      expect(await elsewhere.extend(theirs)).toBe(true);
      expect(await other.extend(after)).toBe(true);
      await yard.shell('sleep 0.05');
    }
    expect(await looking).toEqual([]);
    expect(await worker.settle(before, { kind: 'completed' })).toBe(true);
    expect(await elsewhere.settle(theirs, { kind: 'completed' })).toBe(true);
    expect(await other.settle(after, { kind: 'completed' })).toBe(true);
  },
);

test.each([AN_HOUR_MS, -AN_HOUR_MS])(
  'after a step of the clock by %d ms jobs of the dead still come back',
  async (step) => {
    const yard = await Yard.make();
    const owners = { self: 'elsewhere-1-1', isDead: () => false, isAlive: () => false };
    const dead = await yard.open({ leaseMs: 300, owners });
    await yard.publish(dead, { id: 'a' });
    await yard.takeOne(dead);
    await dead.close();
    const backend = await yard.open({ sweepMs: 20 });
    const taking = yard.takeOne(backend);
    stepBy(step);
    expect(await taking).toMatchObject({ attempt: 2, content: { id: 'a' } });
  },
);

test('after a step back, what is published at once and what is moved in is served', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: 20 });
  stepBy(-AN_HOUR_MS);
  const shift = new Shift(backend, { job: () => undefined });
  await yard.publish(backend, { id: 'ours' });
  yard.put('theirs', json());
  await shift.hears('completed', 2);
});
