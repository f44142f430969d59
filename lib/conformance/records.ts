import assert from 'node:assert/strict';
import { ODD_TEXTS } from './bytes.js';
import { FOREIGN_IDS } from './ids.js';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';

const HOUR_MS = 3_600_000;

/** The longest text tried where the engine has no limit, in bytes; where it has one, a part of that. */
const LONG = 1_000_000;
const PART_OF_LIMIT = 0.75;

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
      await stage.passUntil(before?.expiresAt ?? 0);
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
    await stage.passUntil(shorter?.expiresAt ?? 0);
    await stage.time.pass(delayMs);
    assert.equal(await records.textOf('longer'), 'second');
    assert.equal(await records.get('shorter'), undefined);
  });

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
