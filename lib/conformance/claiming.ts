import assert from 'node:assert/strict';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';

const HOUR_MS = 3_600_000;

export const claiming = chapter('claiming', (scenario) => {
  scenario('a claim of a key without a record stores', keepsRecords, async (stage) => {
    const other = await stage.another();
    assert.equal(await stage.worker.records.claim('key', 'mine', HOUR_MS), undefined);
    assert.equal(await stage.worker.records.textOf('key'), 'mine');
    assert.equal(await other.records.textOf('key'), 'mine');
  });

  scenario('a claim of a key that has a record tells that one, and changes nothing', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    await records.claim('claimed', 'first', HOUR_MS);
    await records.set('set', 'first', HOUR_MS);
    const step = stage.traits.delayStepMs;
    for (const key of ['claimed', 'set']) {
      const living = await records.get(key);
      assert.ok(living);
      for (const by of [records, other.records]) {
        const told = await by.claim(key, 'second', 9 * HOUR_MS);
        const now = await by.get(key);
        assert.deepEqual([told?.text, now?.text], ['first', 'first']);
        for (const { expiresAt } of [told ?? living, now ?? living]) {
          // An engine that keeps what is left of the time, in steps, tells the end as exactly.
          const shift = Math.abs(expiresAt - living.expiresAt);
          assert.ok(shift < 60_000 + step, `its end moved by ${shift} ms`);
        }
      }
    }
  });

  scenario('of four that claim a key at the same time, on two workers, one stores', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    for (const round of numbers(15)) {
      const key = `key-${round}`;
      const claiming = numbers(4).map((index) => both[index % 2].records.claim(key, `of ${index}`, HOUR_MS));
      const told = await Promise.all(claiming);
      const stored = told.flatMap((living, index) => (living ? [] : [`of ${index}`]));
      assert.equal(stored.length, 1, `${stored.length} of four stored`);
      for (const living of told) if (living) assert.equal(living.text, stored[0], 'the others are told who has it');
      for (const { records } of both) assert.equal(await records.textOf(key), stored[0]);
    }
  });

  scenario('of four that claim a key whose time has just ended, one stores', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    for (const round of numbers(5)) {
      await both[0].records.set('key', `before ${round}`, stage.delayMs);
      const before = await both[0].records.get('key');
      await stage.passUntil(before?.expiresAt ?? 0);
      const claiming = numbers(4).map((index) => both[index % 2].records.claim('key', `of ${index}`, HOUR_MS));
      const told = await Promise.all(claiming);
      const stored = told.flatMap((living, index) => (living ? [] : [`of ${index}`]));
      assert.equal(stored.length, 1, `${stored.length} of four stored`);
      for (const living of told) if (living) assert.equal(living.text, stored[0], 'the others are told who has it');
      for (const { records } of both) assert.equal(await records.textOf('key'), stored[0]);
    }
  });

  scenario(
    'a swap stores where the record has the text that it expects, and changes nothing else',
    keepsRecords,
    async (stage) => {
      const { records } = stage.worker;
      const other = (await stage.another()).records;
      assert.equal(await records.swap('key', 'mine', 'yours', HOUR_MS), false, 'there is none');
      assert.equal(await records.get('key'), undefined);
      await records.set('key', 'mine', HOUR_MS);
      for (const text of ['', 'Mine', 'mine ', 'other'])
        assert.equal(await other.swap('key', text, 'x', HOUR_MS), false);
      assert.equal(await other.textOf('key'), 'mine');
      assert.equal(await other.swap('key', 'mine', 'yours', HOUR_MS), true);
      assert.equal(await records.swap('key', 'mine', 'late', HOUR_MS), false);
      for (const by of [records, other]) assert.equal(await by.textOf('key'), 'yours');
    },
  );

  scenario('a swap for the same text prolongs its time', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    await records.set('key', 'mine', HOUR_MS);
    assert.equal(await records.swap('key', 'mine', 'mine', 5 * HOUR_MS), true);
    const { expiresAt = 0, text } = (await (await stage.another()).records.get('key')) ?? {};
    assert.equal(text, 'mine');
    assert.ok(expiresAt > stage.clock.now() + 4 * HOUR_MS, 'it ends later');
  });

  scenario('a swap that meets a record whose time is over stores nothing', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    await records.set('key', 'mine', stage.delayMs);
    const before = await records.get('key');
    await stage.passUntil(before?.expiresAt ?? 0);
    assert.equal(await records.swap('key', 'mine', 'yours', HOUR_MS), false);
    assert.equal(await records.get('key'), undefined);
  });

  scenario('of four that swap a text at the same time, on two workers, one stores', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    for (const round of numbers(15)) {
      const key = `key-${round}`;
      await both[0].records.set(key, 'before', HOUR_MS);
      const swapping = numbers(4).map((n) => both[n % 2].records.swap(key, 'before', `of ${n}`, HOUR_MS));
      const stored = (await Promise.all(swapping)).flatMap((swapped, n) => (swapped ? [`of ${n}`] : []));
      assert.equal(stored.length, 1, `${stored.length} of four stored`);
      for (const { records } of both) assert.equal(await records.textOf(key), stored[0]);
    }
  });

  scenario(
    'of a swap and a delete that name one text at the same time, one does its work',
    keepsRecords,
    async (stage) => {
      const both = [stage.worker, await stage.another()];
      for (const round of numbers(15)) {
        const key = `key-${round}`;
        await both[0].records.set(key, 'before', HOUR_MS);
        const [swapped, deleted] = await Promise.all([
          both[round % 2].records.swap(key, 'before', 'after', HOUR_MS),
          both[(round + 1) % 2].records.delete(key, 'before'),
        ]);
        assert.equal(Number(swapped) + Number(deleted), 1, `swapped: ${swapped}, deleted: ${deleted}`);
        assert.equal(await both[0].records.textOf(key), swapped ? 'after' : undefined);
      }
    },
  );

  scenario('what is deleted is gone, and its key is free', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    await records.set('key', 'before', HOUR_MS);
    await records.set('other key', 'stays', HOUR_MS);
    assert.equal(await other.records.delete('key'), true);
    assert.equal(await records.get('key'), undefined);
    assert.equal(await records.delete('key'), false, 'it was deleted before');
    assert.equal(await records.claim('key', 'after', HOUR_MS), undefined);
    assert.equal(await other.records.textOf('key'), 'after');
    assert.equal(await other.records.textOf('other key'), 'stays');
  });

  scenario('a delete that names a text removes that text only', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    await records.claim('key', 'mine', HOUR_MS);
    for (const text of ['another’s', '', 'min', 'mine ', 'MINE']) {
      assert.equal(await other.records.delete('key', text), false);
      assert.equal(await records.textOf('key'), 'mine');
    }
    assert.equal(await other.records.delete('key', 'mine'), true);
    assert.equal(await records.get('key'), undefined);
    await records.set('empty', '', HOUR_MS);
    assert.equal(await records.delete('empty', 'text'), false);
    assert.equal(await records.delete('empty', ''), true);
  });

  scenario('of four that delete a record at the same time, one has removed it', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    for (const round of numbers(10)) {
      await both[round % 2].records.set('key', 'text', HOUR_MS);
      const deleting = numbers(4).map((index) =>
        index < 2 ? both[index].records.delete('key') : both[index % 2].records.delete('key', 'text'),
      );
      const removed = (await Promise.all(deleting)).filter(Boolean);
      assert.equal(removed.length, 1, `${removed.length} of four have removed it`);
      assert.equal(await both[0].records.get('key'), undefined);
    }
  });

  scenario(
    'a lock that is claimed, deleted by its text and claimed again is held by one',
    keepsRecords,
    async (stage) => {
      const both = [stage.worker, await stage.another()];
      let holders = 0;
      let rounds = 0;
      const play = async (index: number): Promise<void> => {
        const { records } = both[index % 2];
        for (let had = 0; had < 5;) {
          if (await records.claim('lock', `of ${index}`, HOUR_MS)) {
            await stage.time.pass(1);
            continue;
          }
          holders += 1;
          assert.equal(holders, 1, 'two hold the lock');
          await stage.time.pass(0);
          holders -= 1;
          had += 1;
          rounds += 1;
          assert.equal(await records.delete('lock', `of ${index}`), true);
        }
      };
      await Promise.all(numbers(4).map(play));
      assert.equal(rounds, 20);
    },
  );
});
