import { linkSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { Shift } from './support/shift.js';
import { until } from './support/until.js';
import { json, Yard } from './support/yard.js';

const DAY_MS = 24 * 3_600_000;
const now = Date.now.bind(Date);

afterEach(() => vi.restoreAllMocks());

class MailboxGone extends Error {}

describe('a failed job', () => {
  test('has a meta that tells what became of it', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const shift = new Shift(backend, { job: () => Promise.reject(new MailboxGone('no such box')) });
    await yard.publish(backend, { id: 'x', payload: { to: 'ada' } });
    await shift.hears('failed');
    const meta = await yard.meta('errors', 'x');
    const failure = (attempt: number): object => ({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      worker: 'a worker',
      attempt,
      durationMs: expect.any(Number) as number,
      error: {
        name: 'MailboxGone',
        message: 'no such box',
        stack: expect.stringContaining('no such box') as string,
      },
    });
    expect(meta).toEqual({
      id: 'x',
      name: 'job',
      state: 'failed',
      reason: 'all 3 attempts have failed',
      at: expect.stringMatching(/Z$/) as string,
      attempts: 3,
      failures: [failure(1), failure(2), failure(3)],
    });
  });

  test('keeps its bytes, whoever wrote them', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { job: () => Promise.reject(new Error('no')) });
    const bytes = ` {"header" : {"request_type":"job" , "extra":1.50},\n "body":"\\u00e9é"}\n\n`;
    yard.put('theirs', bytes);
    await shift.hears('failed');
    expect((await yard.read('errors', 'theirs')).toString()).toBe(bytes);
  });

  test('never takes the name of another', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    for (const payload of [1, 2, 3]) {
      yard.put('x', json({}, { body: payload }));
      await yard.fail(backend, await yard.takeOne(backend), `reason ${payload}`);
    }
    expect(await yard.list('errors')).toEqual(['x', 'x.meta', 'x~2', 'x~2.meta', 'x~3', 'x~3.meta']);
    const bodies = await Promise.all(['x', 'x~2', 'x~3'].map((name) => yard.read('errors', name)));
    expect(bodies.map((bytes) => (JSON.parse(bytes.toString()) as { body: number }).body)).toEqual([1, 2, 3]);
    expect(await yard.meta('errors', 'x~2')).toMatchObject({ id: 'x', reason: 'reason 2' });
    await yard.shell('mv errors/x~2 incoming/x~2');
    expect(await yard.takeOne(backend)).toMatchObject({ attempt: 1, content: { payload: 2 } });
  });

  test('of many workers at once, none takes the name of another', async () => {
    const yard = await Yard.make();
    const backends = await Promise.all([1, 2, 3, 4].map(() => yard.open()));
    const held: (readonly [Backend, Delivery])[] = [];
    for (let n = 0; n < 40; n++) {
      yard.put('x', json());
      const backend = backends[n % 4];
      held.push([backend, await yard.takeOne(backend)]);
    }
    const settled = await Promise.all(held.map(([backend, delivery]) => yard.fail(backend, delivery)));
    expect(settled).toEqual(held.map(() => true));
    const names = ['x', ...Array.from({ length: 39 }, (_, n) => `x~${n + 2}`)];
    expect(await yard.list('errors')).toEqual(names.flatMap((name) => [name, `${name}.meta`]).sort());
  });
});

describe('an expired job', () => {
  test('is set aside with a meta that has its last error', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const shift = new Shift(backend, { job: () => Promise.reject(new Error('not yet')) });
    const backoff = { kind: 'fixed', base: 60_000, factor: 1, max: 60_000, jitter: 0 } as const;
    await yard.publish(backend, { id: 'x', expiresAt: now() + 30_000, backoff });
    await shift.hears('expired');
    expect(await yard.list('expired')).toEqual(['x', 'x.meta']);
    expect(await yard.meta('expired', 'x')).toMatchObject({
      id: 'x',
      name: 'job',
      state: 'expired',
      attempts: 1,
      failures: [{ error: { message: 'not yet' } }],
    });
    expect(await yard.list('errors')).toEqual([]);
  });

  test('goes after seven days, at the latest when the directory is opened again', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('x', json({ expiration: '2001-01-01T00:00:00Z' }));
    const shift = new Shift(backend, {});
    await shift.hears('expired');
    await shift.stop();
    await backend.close();
    writeFileSync(yard.path('expired', 'gone.meta'), '{}');
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 6.9 * DAY_MS);
    await yard.takeAll(await yard.open());
    expect(await yard.list('expired')).toEqual(['gone.meta', 'x', 'x.meta']);
    vi.spyOn(Date, 'now').mockImplementation(() => now() + 7.1 * DAY_MS);
    await yard.takeAll(await yard.open());
    await until('they are gone', async () => (await yard.list('expired')).length === 0);
  });

  test('beyond 10,000 the oldest go', async () => {
    const yard = await Yard.make();
    await yard.open();
    writeFileSync(yard.path('tmp', 'old'), json());
    for (let n = 0; n < 10_050; n++) linkSync(yard.path('tmp', 'old'), yard.path('expired', `old-${n}`));
    yard.put('young', json({ expiration: '2001-01-01T00:00:00Z' }));
    const shift = new Shift(await yard.open(), {});
    await shift.hears('expired');
    await shift.stop();
    await yard.takeAll(await yard.open());
    await until('it is bounded', async () => (await yard.list('expired')).length <= 10_001);
    expect(await yard.list('expired')).toEqual(expect.arrayContaining(['young', 'young.meta']));
  });
});

describe('what dead processes left', () => {
  test('drafts of the dead go, those of the living and of others stay', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('x', json());
    const [, , , , self = ''] = ((await yard.takeOne(backend)).receipt ?? '').split(',');
    const dead = self.replace(/-[0-9a-z]+-[0-9a-z]+$/, '-1zzzzz-1');
    const names = [`job-${self}-1`, `job-${dead}-1`, 'job-elsewhere-1-1-1', 'job-elsewhere-1-1-2', 'theirs', 'job-1'];
    for (const name of names) writeFileSync(yard.path('tmp', name), '{}');
    const old = (now() - 2 * DAY_MS) / 1000;
    for (const name of ['job-elsewhere-1-1-2', 'theirs']) utimesSync(yard.path('tmp', name), old, old);
    await yard.takeAll(await yard.open());
    expect(await yard.list('tmp')).toEqual([`job-${self}-1`, 'job-1', 'job-elsewhere-1-1-1', 'theirs'].sort());
  });

  test('side files without a job go after a day, those of living jobs stay for ever', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const failure = { at: '', worker: 'w', attempt: 1, durationMs: 1, error: { name: 'Error', message: 'first' } };
    const states = { delayed: now() + 3_600_000, waiting: 0 };
    for (const [id, at] of Object.entries(states)) {
      await yard.publish(backend, { id });
      const settlement = { kind: 'again', at, countsAttempt: true, failures: [failure] } as const;
      await backend.settle(await yard.takeOne(backend), settlement);
    }
    const sides = (): Promise<string> => yard.shell('find delayed -name ".*.meta" | sort');
    const living = await sides();
    const orphan = yard.path('delayed', `.${'0'.repeat(32)}.meta`);
    writeFileSync(orphan, '{}');
    await yard.shell(`find delayed -exec touch -h -d '3 days ago' {} +`);
    await backend.close();
    await yard.takeAll(await yard.open({ leaseMs: 30_000 }));
    expect(await sides()).toBe(living);
    expect(living.trim().split('\n')).toHaveLength(2);
  });

  test('a side file that a power cut has torn is as good as none', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const failure = { at: '', worker: 'w', attempt: 1, durationMs: 1, error: { name: 'Error', message: 'first' } };
    await yard.publish(backend, { id: 'x' });
    const again = { kind: 'again', at: 0, countsAttempt: true, failures: [failure] } as const;
    await backend.settle(await yard.takeOne(backend), again);
    await yard.shell(`for side in delayed/.*.meta; do echo '{"failures": [' > "$side"; done`);
    const delivery = await yard.takeOne(backend);
    expect(delivery).toMatchObject({ attempt: 2, failures: [], content: { id: 'x' } });
    renameSync(yard.path('delayed'), yard.path('tmp', 'away'));
    expect(await backend.settle(delivery, again)).toBe(true);
    expect(await yard.takeOne(backend)).toMatchObject({ attempt: 3, failures: [failure] });
  });
});
