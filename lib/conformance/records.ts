import assert from 'node:assert/strict';
import { ODD_TEXTS } from './bytes.js';
import { FOREIGN_IDS } from './ids.js';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';

const HOUR_MS = 3_600_000;

/** The longest text tried where the engine has no limit, in bytes; where it has one, a part of that. */
const LONG = 1_000_000;
const PART_OF_LIMIT = 0.75;

/** Lets the time go on to a moment, in milliseconds since 1970. */
async function passUntil({ clock, time }: Stage, moment: number): Promise<void> {
  while (clock.now() < moment) await time.pass(moment - clock.now());
}

export const records = chapter('records', (scenario) => {
  scenario('a key that was never set has none', keepsRecords, async ({ worker: { records } }) => {
    assert.equal(await records.get('never'), undefined);
    assert.equal(await records.delete('never'), false);
    assert.equal(await records.delete('never', 'text'), false);
  });

  scenario('what one worker sets, all are given, and those that come later', keepsRecords, async (stage) => {
    const other = await stage.another();
    await stage.worker.records.set('key', 'text', HOUR_MS);
    const later = await stage.another();
    for (const { records } of [stage.worker, other, later]) assert.equal(await records.textOf('key'), 'text');
  });

  scenario('the last that was set counts, whoever set it', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    for (const text of ['first', 'second', 'third', 'fourth']) {
      const by = both[text.length % 2];
      await by.records.set('key', text, HOUR_MS);
      for (const { records } of both) assert.equal(await records.textOf('key'), text);
    }
  });

  scenario('of texts set at the same time one is there, whole', keepsRecords, async (stage) => {
    const both = [stage.worker, await stage.another()];
    const texts = numbers(12).map((index) => String(index).repeat(5_000));
    await Promise.all(texts.map((text, index) => both[index % 2].records.set('key', text, HOUR_MS)));
    const found = await both[0].records.textOf('key');
    assert.ok(texts.includes(found ?? ''), `expected one of the texts, got ${found?.slice(0, 20)}`);
    assert.equal(await both[1].records.textOf('key'), found);
  });

  scenario('many keys are set and got at the same time', keepsRecords, async (stage) => {
    const other = await stage.another();
    const keys = numbers(200).map((index) => `key-${index}`);
    await Promise.all(keys.map((key) => stage.worker.records.set(key, `text of ${key}`, HOUR_MS)));
    const found = await Promise.all(keys.map((key) => other.records.textOf(key)));
    assert.deepEqual(
      found,
      keys.map((key) => `text of ${key}`),
    );
  });

  scenario('a record is no job', keepsRecords, async ({ worker, queue }) => {
    await worker.records.set(queue, '{"name":"job","payload":null}', HOUR_MS);
    await worker.records.claim(`${queue}-other`, '{}', HOUR_MS);
    await worker.takesNothing('records are no jobs');
    await worker.on(`${queue}-other`).takesNothing('records are no jobs');
  });

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
      await passUntil(stage, before?.expiresAt ?? 0);
      const claiming = numbers(4).map((index) => both[index % 2].records.claim('key', `of ${index}`, HOUR_MS));
      const told = await Promise.all(claiming);
      const stored = told.flatMap((living, index) => (living ? [] : [`of ${index}`]));
      assert.equal(stored.length, 1, `${stored.length} of four stored`);
      for (const living of told) if (living) assert.equal(living.text, stored[0], 'the others are told who has it');
      for (const { records } of both) assert.equal(await records.textOf('key'), stored[0]);
    }
  });

  scenario('a record tells when its time ends', keepsRecords, async (stage) => {
    const { worker, clock, traits } = stage;
    const other = await stage.another();
    const day = 24 * HOUR_MS;
    for (const [index, ttlMs] of [10_000, HOUR_MS, day + 1_234, 60 * day].entries()) {
      const began = clock.now();
      if (index % 2 === 0) await worker.records.set(`key-${index}`, 'text', ttlMs);
      else await worker.records.claim(`key-${index}`, 'text', ttlMs);
      for (const { records } of [worker, other]) {
        const found = await records.get(`key-${index}`);
        assert.ok(found);
        const early = began + ttlMs - found.expiresAt;
        const late = found.expiresAt - (clock.now() + ttlMs);
        assert.ok(early <= traits.delayStepMs, `told ${early} ms early, of ${ttlMs}`);
        assert.ok(late <= traits.delayStepMs, `told ${late} ms late, of ${ttlMs}`);
      }
    }
  });

  scenario('a record is there until its time is over, and not a moment longer', keepsRecords, async (stage) => {
    const { worker, clock, time, traits, delayMs } = stage;
    const other = await stage.another();
    const ttlMs = 3 * delayMs;
    const began = clock.now();
    await worker.records.set('key', 'text', ttlMs);
    for (;;) {
      const asked = clock.now();
      const found = await other.records.get('key');
      const early = began + ttlMs - clock.now();
      if (!found) {
        assert.ok(early <= traits.delayStepMs, `it ended ${early} ms before its time`);
        break;
      }
      assert.ok(found.expiresAt > asked, `given ${asked - found.expiresAt} ms after its time was over`);
      await time.pass(delayMs / 10);
    }
    assert.equal(await worker.records.get('key'), undefined);
    assert.equal(await worker.records.delete('key'), false, 'there is none any more');
  });

  scenario('a key is free again after the time of its record', keepsRecords, async (stage) => {
    const other = await stage.another();
    for (const key of ['set', 'claimed']) {
      if (key === 'set') await stage.worker.records.set(key, 'before', stage.delayMs);
      else await stage.worker.records.claim(key, 'before', stage.delayMs);
      const before = await other.records.get(key);
      await passUntil(stage, before?.expiresAt ?? 0);
      assert.equal(await other.records.claim(key, 'after', HOUR_MS), undefined);
      assert.equal(await stage.worker.records.textOf(key), 'after');
      await stage.time.pass(2 * stage.delayMs);
      assert.equal(await stage.worker.records.textOf(key), 'after', 'it has a time of its own');
    }
  });

  scenario('what is set anew has a time of its own', keepsRecords, async (stage) => {
    const { worker, delayMs } = stage;
    const { records } = worker;
    await records.set('longer', 'first', delayMs);
    await records.set('longer', 'second', HOUR_MS);
    await records.set('shorter', 'first', HOUR_MS);
    await records.set('shorter', 'second', delayMs);
    const shorter = await records.get('shorter');
    await passUntil(stage, shorter?.expiresAt ?? 0);
    await stage.time.pass(delayMs);
    assert.equal(await records.textOf('longer'), 'second');
    assert.equal(await records.get('shorter'), undefined);
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
    await passUntil(stage, before?.expiresAt ?? 0);
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

  scenario('keys may be any text of up to 1,000 bytes, and none is taken for another', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    for (const [index, key] of FOREIGN_IDS.entries()) {
      const shown = JSON.stringify(key.slice(0, 30));
      if (index % 2 === 0) await records.set(key, `text ${index}`, HOUR_MS);
      else assert.equal(await records.claim(key, `text ${index}`, HOUR_MS), undefined, `key ${shown}`);
    }
    for (const [index, key] of FOREIGN_IDS.entries()) {
      const shown = JSON.stringify(key.slice(0, 30));
      assert.equal(await other.records.textOf(key), `text ${index}`, `key ${shown}`);
      assert.equal((await records.claim(key, 'another’s', HOUR_MS))?.text, `text ${index}`, `key ${shown}`);
    }
    for (const [index, key] of FOREIGN_IDS.entries()) {
      if (index % 2 === 0) assert.equal(await other.records.delete(key), true);
    }
    for (const [index, key] of FOREIGN_IDS.entries()) {
      assert.equal(await records.textOf(key), index % 2 === 0 ? undefined : `text ${index}`);
    }
  });

  scenario('odd texts come back as they were', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    for (const [index, text] of ODD_TEXTS.entries()) {
      const shown = JSON.stringify(text);
      await records.set(`set ${index}`, text, HOUR_MS);
      await records.claim(`claimed ${index}`, text, HOUR_MS);
      assert.equal(await other.records.textOf(`set ${index}`), text, shown);
      assert.equal(await other.records.textOf(`claimed ${index}`), text, shown);
      assert.equal(await other.records.delete(`set ${index}`, text), true, shown);
    }
  });

  scenario('a long text comes back whole', keepsRecords, async (stage) => {
    const { records } = stage.worker;
    const other = await stage.another();
    const length = Math.floor(Math.min(LONG, (stage.traits.maxBytes ?? Infinity) * PART_OF_LIMIT));
    const text = 'text '.repeat(Math.ceil(length / 5)).slice(0, length);
    await records.set('key', text, HOUR_MS);
    const found = await other.records.textOf('key');
    assert.ok(found === text, `expected ${text.length} characters as they were, got ${found?.length}`);
    assert.equal(await other.records.delete('key', text), true);
  });

  scenario(
    'records outlive all workers',
    {
      exempt: (concern) =>
        keepsRecords.exempt?.(concern) ??
        (concern.traits.durability === 'none' ? "traits.durability is 'none'" : undefined),
    },
    async (stage) => {
      await stage.worker.records.set('set', 'kept', HOUR_MS);
      await stage.worker.records.claim('claimed', 'kept', HOUR_MS);
      await stage.time.wait('close to resolve', stage.worker.backend.close());
      const { records } = await stage.another();
      assert.equal(await records.textOf('set'), 'kept');
      assert.equal((await records.claim('claimed', 'again', HOUR_MS))?.text, 'kept');
    },
  );
});
