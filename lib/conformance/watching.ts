import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { AwaitedRecords } from './stage/awaited-records.js';
import type { Stage } from './stage/stage.js';

const HOUR_MS = 3_600_000;

/** How often a backend is opened and closed to see whether something is left behind. */
const OPENINGS = 50;

/** One that watches a key, and counts how often it is told. */
class Watcher {
  told = 0;

  private constructor(private readonly stage: Stage) {}

  static async of(stage: Stage, records: AwaitedRecords, key: string): Promise<[Watcher, () => void]> {
    const watcher = new Watcher(stage);
    const end = await records.watch(key, () => {
      watcher.told += 1;
    });
    return [watcher, end];
  }

  /** Resolves once it is told (again) of what `set` sets. */
  async hears(what: string, set: () => Promise<void>): Promise<void> {
    const before = this.told;
    await set();
    await this.stage.time.promptly(
      `the watcher to be told of ${what}`,
      this.stage.time.until(`the watcher to be told of ${what}`, () => this.told > before),
    );
  }
}

export const watching = chapter('watching', (scenario) => {
  scenario('who watches a key is told of each set, by whichever worker', keepsRecords, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const [watcher, end] = await Watcher.of(stage, worker.records, 'key');
    for (const round of numbers(3)) {
      for (const [who, by] of Object.entries({ another: other, itself: worker })) {
        await watcher.hears(`set ${round} by ${who}`, () => by.records.set('key', `${who} ${round}`, HOUR_MS));
        assert.equal(await worker.records.textOf('key'), `${who} ${round}`);
      }
    }
    end();
  });

  scenario('who is told finds what was set', keepsRecords, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    const seen: Promise<string | undefined>[] = [];
    const end = await worker.records.watch('key', () => seen.push(worker.records.textOf('key')));
    await other.records.set('key', 'set', HOUR_MS);
    await time.until('the watcher to be told', () => seen.length > 0);
    // An engine may tell more often than there is something to tell, but not of this before it is there.
    assert.equal(await seen.at(-1), 'set');
    end();
  });

  scenario('a worker may watch several keys', keepsRecords, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const keys = ['key', 'KEY', 'k\0e/y', 'error', 'x'.repeat(1_000)];
    const watched = [];
    for (const key of keys) watched.push(await Watcher.of(stage, worker.records, key));
    for (const [index, key] of [...keys.entries()].reverse()) {
      await watched[index][0].hears(JSON.stringify(key.slice(0, 20)), () => other.records.set(key, 'text', HOUR_MS));
    }
    for (const [, end] of watched) end();
  });

  scenario('a key may have several watchers; one that ends leaves the others', keepsRecords, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const [first, endFirst] = await Watcher.of(stage, worker.records, 'key');
    const [second, endSecond] = await Watcher.of(stage, worker.records, 'key');
    const [third, endThird] = await Watcher.of(stage, other.records, 'key');
    const set = (): Promise<void> => worker.records.set('key', 'text', HOUR_MS);
    await first.hears('it', () => second.hears('it', () => third.hears('it', set)));
    endFirst();
    endFirst();
    await second.hears('it', () => third.hears('it', set));
    endThird();
    await second.hears('it', set);
    endSecond();
  });

  scenario('the same listener may watch twice, and ends each by itself', keepsRecords, async (stage) => {
    const { worker } = stage;
    const [watcher, endTold] = await Watcher.of(stage, worker.records, 'key');
    let told = 0;
    const listener = (): void => {
      told += 1;
    };
    const endFirst = await worker.records.watch('key', listener);
    const endSecond = await worker.records.watch('key', listener);
    endFirst();
    await watcher.hears('it', () => worker.records.set('key', 'text', HOUR_MS));
    await stage.time.until('the second to be told', () => told > 0);
    endSecond();
    endTold();
  });

  scenario('who has ended watching is told no more', keepsRecords, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const [ended, end] = await Watcher.of(stage, worker.records, 'key');
    const [watcher, endOther] = await Watcher.of(stage, worker.records, 'key');
    await ended.hears('it', () => other.records.set('key', 'before', HOUR_MS));
    end();
    const before = ended.told;
    await watcher.hears('it', () => other.records.set('key', 'after', HOUR_MS));
    await stage.time.pass(worker.quietMs);
    assert.equal(ended.told, before);
    endOther();
  });

  scenario('no set is missed between watching and looking', keepsRecords, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    for (const round of numbers(50)) {
      const key = `key-${round}`;
      let told = 0;
      const set = async (): Promise<void> => {
        // At every moment of the watching: before it, with it, and some turns after it has begun.
        for (let turn = 0; turn < round % 12; turn++) await setImmediate();
        await other.records.set(key, 'set', HOUR_MS);
      };
      const setting = set();
      const end = await worker.records.watch(key, () => {
        told += 1;
      });
      for (;;) {
        const before = told;
        if ((await worker.records.textOf(key)) === 'set') break;
        await time.until(`the watcher to be told of set ${round}`, () => told > before);
      }
      await setting;
      end();
    }
  });

  scenario('who watches goes on to be told after the time of a record has ended', keepsRecords, async (stage) => {
    const { worker, time } = stage;
    const [watcher, end] = await Watcher.of(stage, worker.records, 'key');
    await watcher.hears('the first', () => worker.records.set('key', 'first', stage.delayMs));
    const first = await worker.records.get('key');
    await time.pass(Math.max((first?.expiresAt ?? 0) - stage.clock.now(), 0) + 2 * stage.traits.delayStepMs);
    await watcher.hears('the second', () => worker.records.set('key', 'second', HOUR_MS));
    assert.equal(await worker.records.textOf('key'), 'second');
    end();
  });

  scenario('close ends all watching', keepsRecords, async (stage) => {
    const { worker, time } = stage;
    const closing = await stage.another();
    const [closed, end] = await Watcher.of(stage, closing.records, 'key');
    const [watcher, endOther] = await Watcher.of(stage, worker.records, 'key');
    await time.promptly('close to resolve', closing.backend.close());
    const before = closed.told;
    await watcher.hears('it', () => worker.records.set('key', 'after', HOUR_MS));
    await time.pass(worker.quietMs);
    assert.equal(closed.told, before, 'who has closed is told no more');
    end();
    endOther();
  });

  scenario('a closed watch leaves nothing open that would keep a process alive', keepsRecords, async (stage) => {
    const resources = (): number => process.getActiveResourcesInfo().length;
    const before = resources();
    for (const round of numbers(OPENINGS)) {
      const worker = await stage.another();
      await worker.records.set(`key-${round}`, 'text', HOUR_MS);
      const end = await worker.records.watch(`key-${round}`, () => undefined);
      if (round % 2 === 0) end();
      await stage.time.promptly('close to resolve', worker.backend.close());
    }
    // One of each opening would show; others at work in this process may add or take away a few of their own.
    const left = (): number => resources() - before;
    await stage.time.until(
      () => `no handles to be left of ${OPENINGS} openings (${left()} are)`,
      () => left() < OPENINGS / 2,
    );
  });
});
