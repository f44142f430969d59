import assert from 'node:assert/strict';
import { ODD_TEXTS } from './bytes.js';
import { FOREIGN_IDS } from './ids.js';
import { chapter, sendsLetters } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import type { Worker } from './stage/worker.js';

const HOUR_MS = 3_600_000;

/** The longest text tried where the engine has no limit, in bytes; where it has one, a part of that. */
const LONG = 1_000_000;
const PART_OF_LIMIT = 0.75;

/** Within which a letter that nobody hears is a record, in milliseconds. Generous: machines are busy. */
const UNHEARD_MS = 10_000;

/** How often a backend is opened and closed to see whether something is left behind. */
const OPENINGS = 50;

/** The address of a worker, once it can be reached. */
async function addressOf(stage: Stage, { letters }: Worker): Promise<string> {
  await stage.time.until('the worker to have an address', () => letters.address() !== undefined);
  const address = letters.address() ?? '';
  assert.match(address, /^[\w-]{1,40}$/);
  return address;
}

/** Sends a letter from one worker. */
function send(stage: Stage, { letters }: Worker, address: string, key: string, text: string): Promise<void> {
  return stage.time.wait('send to resolve', letters.send(address, key, text, HOUR_MS));
}

/** Resolves once a worker has heard as many texts. */
function heard(stage: Stage, texts: readonly string[], count: number): Promise<void> {
  return stage.time.until(`${count} letters to be heard`, () => new Set(texts).size >= count);
}

export const letters = chapter('letters', (scenario) => {
  scenario('a letter reaches the worker that has its address, whoever sends it', sendsLetters, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const address = await addressOf(stage, worker);
    const texts: string[] = [];
    const end = worker.letters.hear('key', (text) => texts.push(text));
    for (const [count, by] of [other, worker, other].entries()) {
      await send(stage, by, address, 'key', `text ${count}`);
      await stage.time.promptly('the letter to be heard', heard(stage, texts, count + 1));
    }
    assert.deepEqual([...new Set(texts)], ['text 0', 'text 1', 'text 2']);
    assert.equal(worker.letters.address(), address, 'it stays where it is');
    end();
  });

  scenario('a letter reaches no other worker, and nobody under another key', sendsLetters, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const [address, another] = [await addressOf(stage, worker), await addressOf(stage, other)];
    const texts: string[] = [];
    const ends = [
      worker.letters.hear('key', (text) => texts.push(`key: ${text}`)),
      worker.letters.hear('KEY', (text) => texts.push(`KEY: ${text}`)),
      other.letters.hear('key', (text) => texts.push(`other: ${text}`)),
    ];
    await send(stage, other, address, 'key', 'one');
    await send(stage, worker, another, 'key', 'two');
    await heard(stage, texts, 2);
    await stage.time.pass(worker.quietMs);
    assert.deepEqual([...new Set(texts)].sort(), ['key: one', 'other: two']);
    for (const end of ends) end();
  });

  scenario('odd keys, odd texts and a long one come as they were', sendsLetters, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const address = await addressOf(stage, worker);
    const length = Math.floor(Math.min(LONG, (stage.traits.maxBytes ?? Infinity) * PART_OF_LIMIT));
    const sent = [...ODD_TEXTS, 'text '.repeat(Math.ceil(length / 5)).slice(0, length)];
    for (const [index, text] of sent.entries()) {
      const key = FOREIGN_IDS[index % FOREIGN_IDS.length];
      const texts: string[] = [];
      const end = worker.letters.hear(key, (came) => texts.push(came));
      await send(stage, other, address, key, text);
      await heard(stage, texts, 1);
      assert.ok(texts[0] === text, `expected ${JSON.stringify(text.slice(0, 30))}, under ${JSON.stringify(key)}`);
      end();
    }
  });

  scenario('many letters that are sent at the same time are all heard', sendsLetters, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const address = await addressOf(stage, worker);
    const texts: string[] = [];
    const keys = numbers(200).map((index) => `key-${index}`);
    const ends = keys.map((key) => worker.letters.hear(key, (text) => texts.push(text)));
    await Promise.all(keys.map((key) => send(stage, other, address, key, `to ${key}`)));
    await heard(stage, texts, keys.length);
    assert.deepEqual([...new Set(texts)].sort(), keys.map((key) => `to ${key}`).sort());
    for (const end of ends) end();
  });

  scenario(
    'several may hear a key, the same listener twice; who has ended hears no more',
    sendsLetters,
    async (stage) => {
      const { worker } = stage;
      const address = await addressOf(stage, worker);
      const [ended, twice, other]: [string[], string[], string[]] = [[], [], []];
      const listener = (text: string): void => void twice.push(text);
      const endFirst = worker.letters.hear('key', (text) => ended.push(text));
      const ends = [worker.letters.hear('key', listener), worker.letters.hear('key', listener)];
      const endOther = worker.letters.hear('key', (text) => other.push(text));
      await send(stage, worker, address, 'key', 'one');
      for (const texts of [ended, twice, other]) await heard(stage, texts, 1);
      endFirst();
      endFirst();
      ends[0]();
      await send(stage, worker, address, 'key', 'two');
      for (const texts of [twice, other]) await heard(stage, texts, 2);
      await stage.time.pass(worker.quietMs);
      assert.deepEqual(ended.slice(-1), ['one']);
      ends[1]();
      endOther();
    },
  );

  scenario('a letter under a key that nobody hears becomes a record', sendsLetters, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    const address = await addressOf(stage, worker);
    const end = worker.letters.hear('key', () => undefined);
    end();
    const began = stage.clock.now();
    await send(stage, other, address, 'key', 'for later');
    for (;;) {
      const found = await other.records.get('key');
      if (found) {
        assert.equal(found.text, 'for later');
        assert.ok(found.expiresAt <= stage.clock.now() + HOUR_MS + stage.traits.delayStepMs);
        break;
      }
      assert.ok(stage.clock.now() - began < UNHEARD_MS, `no record within ${UNHEARD_MS} ms`);
      await time.pass(stage.delayMs / 10);
    }
  });

  scenario(
    'a letter that goes along with a job is heard like another, and the job is settled after it',
    sendsLetters,
    async (stage) => {
      const { worker, time } = stage;
      const other = await stage.another();
      const address = await addressOf(stage, worker);
      const texts: string[] = [];
      const end = worker.letters.hear('key', (text) => texts.push(text));
      await other.publish({}, {});
      const taken = [await other.takeOne(), await other.takeOne()];
      const sendWith = (text: string, receipt: string): Promise<void> =>
        time.wait('send to resolve', other.letters.send(address, 'key', text, HOUR_MS, receipt));
      for (const [index, { receipt }] of taken.entries()) {
        await sendWith(`text ${index}`, receipt);
        await time.promptly('the letter to be heard', heard(stage, texts, index + 1));
      }
      for (const delivery of taken) await other.complete(delivery);
      for (const [index, { receipt }] of taken.entries()) await sendWith(`late ${index}`, receipt);
      await heard(stage, texts, 4);
      assert.deepEqual([...new Set(texts)].sort(), ['late 0', 'late 1', 'text 0', 'text 1']);
      end();
    },
  );

  scenario('a letter to one who is gone, or never was, is no fault', sendsLetters, async (stage) => {
    const { worker, time } = stage;
    const gone = await stage.another();
    const nowhere = await addressOf(stage, gone);
    await time.wait('close to resolve', gone.backend.close());
    await send(stage, worker, nowhere, 'key', 'to one who is gone');
    await send(stage, worker, 'nobody', 'key', 'to nobody');
    const address = await addressOf(stage, worker);
    const texts: string[] = [];
    const end = worker.letters.hear('key', (text) => texts.push(text));
    await send(stage, worker, address, 'key', 'heard');
    await heard(stage, texts, 1);
    assert.equal(texts[0], 'heard');
    end();
  });

  scenario('close ends all hearing, and leaves nothing open', sendsLetters, async (stage) => {
    const { worker, time } = stage;
    const resources = (): number => process.getActiveResourcesInfo().length;
    const before = resources();
    const texts: string[] = [];
    for (const round of numbers(OPENINGS)) {
      const closing = await stage.another();
      const address = await addressOf(stage, closing);
      closing.letters.hear('key', (text) => texts.push(text));
      await time.promptly('close to resolve', closing.backend.close());
      if (round === 0) await send(stage, worker, address, 'key', 'too late');
    }
    await time.pass(worker.quietMs);
    assert.deepEqual(texts, []);
    // One of each opening would show; others at work in this process may add or take away a few of their own.
    const left = (): number => resources() - before;
    await time.until(
      () => `no handles to be left of ${OPENINGS} openings (${left()} are)`,
      () => left() < OPENINGS / 2,
    );
  });
});
