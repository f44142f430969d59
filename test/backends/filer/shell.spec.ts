import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { Shift } from './support/shift.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

describe('mv -n tmp/x incoming/x', () => {
  test('publishes: the id is x where the message has none', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ sweepMs: AN_HOUR_MS });
    const taking = yard.take(backend, 2, 1);
    await yard.shell(`
      echo '{"header": {"request_type": "greet"}, "body": {"to": "Ada"}}' > tmp/hello.json
      mv -n tmp/hello.json incoming/hello.json
      echo '{"id": "its own", "header": {"request_type": "greet"}}' > tmp/other
      mv -n tmp/other incoming/other`);
    const contents = (await taking).map(({ content }) => content);
    expect(contents).toMatchObject([
      { id: 'hello.json', name: 'greet', payload: { to: 'Ada' }, priority: 1024 },
      { id: 'its own', name: 'greet', payload: null },
    ]);
  });

  test('is seen where it was done before the start', async () => {
    const yard = await Yard.make();
    await yard.open();
    await yard.shell(`echo '{"header": {"request_type": "greet"}}' > tmp/x; mv -n tmp/x incoming/x`);
    const delivery = await yard.takeOne(await yard.open({ sweepMs: AN_HOUR_MS }));
    expect(delivery.content).toMatchObject({ id: 'x', name: 'greet' });
  });

  test('keeps the header’s priority among ours', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('b', json({ priority: 5 }));
    yard.put('least', json({ priority: 4_294_967_295 }));
    await yard.publish(backend, { id: 'c', priority: 6 }, { id: 'a', priority: 4 });
    yard.put('first', json({ priority: 0 }));
    await until('all are seen', async () => (await yard.list('incoming')).length === 5);
    const taken = await yard.take(await yard.open(), 5, 1);
    expect(taken.map(({ content }) => content.id)).toEqual(['first', 'a', 'b', 'c', 'least']);
  });

  test('keeps the header’s delay, which costs no attempt', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const shift = new Shift(backend, { job: () => undefined });
    const due = Date.now() + 300;
    yard.put('later', json({ delay: new Date(due).toISOString() }));
    await shift.hears('completed');
    expect(Date.now()).toBeGreaterThanOrEqual(due);
    expect(shift.calls).toMatchObject([{ id: 'later', attempt: 1 }]);
  });

  test('keeps the header’s expiration', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { job: () => undefined });
    yard.put('stale', json({ expiration: '2001-01-01T00:00:00Z' }));
    await shift.hears('expired');
    expect(shift.calls).toEqual([]);
    expect(await yard.list('expired')).toEqual(['stale', 'stale.meta']);
    expect(await yard.meta('expired', 'stale')).toMatchObject({ id: 'stale', name: 'job', state: 'expired' });
  });

  test('counts the attempts that its header says are used up', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { job: () => undefined });
    yard.put('third', json({ attempts: 2 }));
    yard.put('fourth', json({ attempts: 3 }));
    await shift.hears('completed');
    await shift.hears('failed');
    expect(shift.calls).toMatchObject([{ id: 'third', attempt: 3 }]);
    expect(await yard.meta('errors', 'fourth')).toMatchObject({ id: 'fourth', attempts: 4 });
  });

  test.each([999_999_999, 1e10, Number.MAX_SAFE_INTEGER])('bears %d attempts used up', async (attempts) => {
    const yard = await Yard.make();
    const backend = await yard.open();
    const shift = new Shift(backend, { job: () => undefined });
    yard.put('worn', json({ attempts, priority: 0 }));
    await yard.publish(backend, { id: 'other' });
    await shift.hears('failed');
    await shift.hears('completed');
    expect(await yard.list('errors')).toEqual(['worn', 'worn.meta']);
  });

  test('takes a name again that another producer has used', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('same', json({}, { body: 1 }));
    const first = await yard.takeOne(backend);
    yard.put('same', json({}, { body: 2 }));
    const second = await yard.takeOne(backend);
    expect([first.content, second.content]).toMatchObject([
      { id: 'same', payload: 1 },
      { id: 'same', payload: 2 },
    ]);
    await yard.fail(backend, first);
    await yard.fail(backend, second);
    expect(await yard.list('errors')).toEqual(['same', 'same.meta', 'same~2', 'same~2.meta']);
  });

  test('never replaces the file of another producer', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('x', json({}, { body: 1 }));
    await yard.shell(`echo '{"header": {"request_type": "job"}, "body": 2}' > tmp/x; mv -n tmp/x incoming/x || true`);
    expect((await yard.takeAll(backend)).map(({ content }) => content)).toMatchObject([{ id: 'x', payload: 1 }]);
    expect(await yard.list('tmp')).toEqual(['x']);
  });
});

describe('mv errors/x incoming/x', () => {
  test('runs it again with fresh attempts, and its meta goes', async () => {
    const yard = await Yard.make();
    let broken = true;
    const shift = new Shift(await yard.open({ sweepMs: AN_HOUR_MS }), {
      job: () => {
        if (broken) throw new Error('broken');
      },
    });
    yard.put('x', json({ attempts: 1 }));
    await shift.hears('failed');
    expect(shift.calls.map(({ attempt }) => attempt)).toEqual([2, 3]);
    broken = false;
    await yard.shell('mv errors/x incoming/x');
    await shift.hears('completed');
    expect(shift.calls.map(({ attempt }) => attempt)).toEqual([2, 3, 1]);
    await until('the meta is gone', async () => (await yard.list('errors')).length === 0);
  });

  test('also where its header said that all were used up', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { job: () => undefined });
    yard.put('x', json({ attempts: 99 }));
    await shift.hears('failed');
    await yard.shell('mv errors/x incoming/x');
    await shift.hears('completed');
    expect(shift.calls).toMatchObject([{ id: 'x', attempt: 1 }]);
  });

  test('of a job that we published: its id is the same, and stays taken while it lives', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    await yard.publish(backend, { id: 'ours', priority: 3, payload: 7 });
    await yard.fail(backend, await yard.takeOne(backend));
    const bytes = await yard.read('errors', 'ours');
    await yard.shell('mv errors/ours incoming/ours');
    expect(await yard.publish(backend, { id: 'ours' })).toEqual([{ duplicate: true }]);
    const again = await yard.takeOne(backend);
    expect(again).toMatchObject({ attempt: 1, failures: [], content: { id: 'ours', priority: 3, payload: 7 } });
    expect(await yard.publish(backend, { id: 'ours' })).toEqual([{ duplicate: true }]);
    await yard.fail(backend, again);
    expect(await yard.read('errors', 'ours')).toEqual(bytes);
    await yard.shell('mv errors/ours incoming/ours');
    await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
    expect(await yard.publish(backend, { id: 'ours' })).toEqual([{ duplicate: false }]);
  });

  test('replaces the meta when it fails again', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('x', json());
    await yard.fail(backend, await yard.takeOne(backend), 'the first time');
    await yard.shell('mv errors/x incoming/x');
    await yard.fail(backend, await yard.takeOne(backend), 'the second time');
    expect(await yard.list('errors')).toEqual(['x', 'x.meta']);
    expect(await yard.meta('errors', 'x')).toMatchObject({ reason: 'the second time', attempts: 1 });
  });

  test('leaves the meta of a job of this name that is still there', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    yard.put('x', json());
    await yard.fail(backend, await yard.takeOne(backend), 'still failed');
    yard.put('x', json());
    await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
    await backend.close();
    expect(await yard.list('errors')).toEqual(['x', 'x.meta']);
    expect(await yard.meta('errors', 'x')).toMatchObject({ reason: 'still failed' });
  });
});

describe('a file in pending/ without our mark', () => {
  test('is rescued one lease after its change time', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ leaseMs: 300, sweepMs: 20 });
    yard.put('theirs', json());
    await yard.shell('mv incoming/theirs pending/theirs');
    const movedAt = Date.now();
    const delivery = await yard.takeOne(backend);
    expect(Date.now() - movedAt).toBeGreaterThanOrEqual(250);
    expect(delivery).toMatchObject({ attempt: 1, content: { id: 'theirs', name: 'job' } });
  });

  test('is left to its mover for as long as he renews it', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ leaseMs: 300, sweepMs: 20 });
    await yard.publish(backend, { id: 'clock' });
    yard.put('theirs', json());
    await yard.shell('mv incoming/theirs pending/theirs');
    for (let renewed = 0; renewed < 10; renewed++) {
      await yard.shell('touch pending/theirs; sleep 0.05');
      expect(await yard.list('pending')).toContain('theirs');
    }
    await yard.shell('rm pending/theirs');
    expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['clock']);
  });

  test('whose name ends in .meta does not pass for a meta once it has failed', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ leaseMs: 50, sweepMs: 20 });
    await yard.shell('true');
    await writeFile(yard.path('pending', 'x.meta'), json());
    const odd = await yard.takeOne(backend);
    yard.put('x', json());
    const plain = await yard.takeOne(backend);
    await yard.fail(backend, odd);
    await yard.fail(backend, plain);
    expect((await yard.read('errors', 'x.meta~')).toString()).toBe(json());
    expect((await yard.read('errors', 'x')).toString()).toBe(json());
  });
});

describe('what is no message', () => {
  test.each([
    ['JSON', '{"some": ["payload"]}', { some: ['payload'] }],
    ['a JSON text', '"quoted"', 'quoted'],
    ['text', 'plain, of two\nlines\n', 'plain, of two\nlines\n'],
    ['an object with a header of its own', '{"header": {"a": 1}}', { header: { a: 1 } }],
  ])('is a payload where the queue has rawJob: %s', async (_, content, payload) => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { raw: () => undefined }, 'raw');
    yard.put('note.txt', content);
    await shift.hears('completed');
    expect(shift.calls).toMatchObject([{ id: 'note.txt', name: 'raw', payload, attempt: 1 }]);
  });

  test('stays a message where it is one, though the queue has rawJob', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { raw: () => undefined, job: () => undefined }, 'raw');
    yard.put('x', json({}, { body: 1 }));
    await shift.hears('completed');
    expect(shift.calls).toMatchObject([{ name: 'job', payload: 1 }]);
  });

  test('fails where it is empty, also with rawJob', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { raw: () => undefined }, 'raw');
    yard.put('nothing', '');
    await shift.hears('failed');
    expect(await yard.meta('errors', 'nothing')).toMatchObject({
      id: 'nothing',
      reason: expect.stringMatching(/empty/) as string,
    });
  });

  test('fails without that option, with a reason, and its bytes as they came', async () => {
    const yard = await Yard.make();
    const shift = new Shift(await yard.open(), { job: () => undefined });
    yard.put('note.txt', 'plain\n');
    await shift.hears('failed');
    expect((await yard.read('errors', 'note.txt')).toString()).toBe('plain\n');
    const { name, reason } = await yard.meta('errors', 'note.txt');
    expect(name).toBeUndefined();
    expect(reason).toMatch(/not JSON/);
  });
});
