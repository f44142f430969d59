import { chmodSync, chownSync, readdirSync, statfsSync, utimesSync } from 'node:fs';
import { expect, test } from 'vitest';
import { examine, isNearlyFull, type DoctorOptions } from '../../../lib/backends/filer/doctor.js';
import { doctor } from '../../../lib/backends/filer/index.js';
import { ProcessOwners } from '../../../lib/backends/filer/owner.js';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';
import { numbers } from '../../../lib/conformance/stage/draft.js';
import { isRoot } from './support/temporary.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

/** What was found, with the paths within the queue. */
type Seen = readonly [path: string, problem: string, fixed: boolean];

/** Takes what is a moment old for settled, but for jobs claimed by others. */
async function examined(yard: Yard, options: Partial<DoctorOptions> = {}): Promise<Seen[]> {
  const disk = new RealDisk();
  const findings = await examine({ directory: yard.directory, ...options }, disk, new ProcessOwners(), -1);
  disk.close();
  return findings
    .filter(({ problem }) => !problem.includes('nearly full'))
    .map(({ path, problem, fixed }) => [path.slice(yard.directory.length + 1), problem, fixed]);
}

/** What a process of this host that is gone would be called. */
function deadOwner(): string {
  const [host] = new ProcessOwners().self.split('-');
  return `${host}-${(4_194_303).toString(36)}-1`;
}

const ORDER = '0198f2c4'.padEnd(32, '0');

/** Each fault: how it comes about, where it is seen, as what, and whether it is mended. */
const FAULTS: Readonly<
  Record<string, { make(yard: Yard): unknown; path: string | RegExp; problem: RegExp; mended: boolean }>
> = {
  'a draft of a process that died': {
    make: (yard) => yard.shell(`echo {} > tmp/job-${deadOwner()}-1`),
    path: /jobs\/tmp\/job-/,
    problem: /draft of a process that died/,
    mended: true,
  },
  'a job whose worker has died': {
    make: (yard) => yard.shell(`echo '${json()}' > pending/0000001024,${ORDER},1,n5c,${deadOwner()},0-1,left`),
    path: /jobs\/pending\/.*,left/,
    problem: /worker has died/,
    mended: true,
  },
  'a meta whose job has left': {
    make: (yard) => yard.shell('echo {} > errors/gone.meta'),
    path: 'jobs/errors/gone.meta',
    problem: /tells of a job that is gone/,
    mended: true,
  },
  'a meta in expired whose job has left': {
    make: (yard) => yard.shell('echo {} > expired/gone.meta'),
    path: 'jobs/expired/gone.meta',
    problem: /tells of a job that is gone/,
    mended: true,
  },
  'an id whose job is gone': {
    make: (yard) => yard.shell('echo {} > .ids/an-id'),
    path: 'jobs/.ids/an-id',
    problem: /id of a job that is gone/,
    mended: true,
  },
  'a lock of a process that died': {
    make: (yard) => yard.shell(`ln -s ${deadOwner()} errors/.lock; ln -s ${deadOwner()} .ids/.an-id.lock`),
    path: 'jobs/errors/.lock',
    problem: /lock of a process that died/,
    mended: true,
  },
  'a side file whose job is gone': {
    make: async (yard) => {
      await yard.shell(`echo {} > delayed/.${ORDER}.meta`);
      const old = Date.now() / 1_000 - 2 * 24 * 3_600;
      utimesSync(yard.path('delayed', `.${ORDER}.meta`), old, old);
    },
    path: `jobs/delayed/.${ORDER}.meta`,
    problem: /failures of a job that is gone/,
    mended: true,
  },
  'a folder that is missing': {
    make: (yard) => yard.shell('rmdir expired'),
    path: 'jobs/expired',
    problem: /missing/,
    mended: true,
  },
  'a folder that everybody may write in': {
    make: (yard) => chmodSync(yard.path('incoming'), 0o777),
    path: 'jobs/incoming',
    problem: /may write in it/,
    mended: false,
  },
  'a name that tells no time': {
    make: (yard) => yard.shell('echo {} > delayed/tomorrow'),
    path: 'jobs/delayed/tomorrow',
    problem: /tells no time/,
    mended: false,
  },
  'a directory in the place of a job': {
    make: (yard) => yard.shell('mkdir incoming/folder'),
    path: 'jobs/incoming/folder',
    problem: /no regular file/,
    mended: false,
  },
  'a dot file': {
    make: (yard) => yard.shell('echo {} > incoming/.hidden'),
    path: 'jobs/incoming/.hidden',
    problem: /begins with a dot/,
    mended: false,
  },
  'a meta where jobs arrive': {
    make: (yard) => yard.shell('echo {} > incoming/x.meta'),
    path: 'jobs/incoming/x.meta',
    problem: /ends with .meta/,
    mended: false,
  },
  'a file moved into pending by hand': {
    make: (yard) => yard.shell('echo {} > pending/by-hand'),
    path: 'jobs/pending/by-hand',
    problem: /moved there by hand/,
    mended: false,
  },
  'a foreign file among the folders': {
    make: (yard) => yard.shell('echo hello > notes.txt'),
    path: 'jobs/notes.txt',
    problem: /no folder of a queue/,
    mended: false,
  },
  'a foreign file among the queues': {
    make: (yard) => yard.shell('echo hello > ../notes.txt'),
    path: 'notes.txt',
    problem: /no queue/,
    mended: false,
  },
};

for (const [what, { make, path, problem, mended }] of Object.entries(FAULTS)) {
  test(`${what} is found, ${mended ? 'and mended once' : 'and left to people'}`, async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    await yard.publish(backend, { id: 'kept' });
    await make(yard);
    const seen = [expect.stringMatching(path), expect.stringMatching(problem)];
    expect(await examined(yard)).toContainEqual([...seen, false]);
    expect(await examined(yard), 'nothing was touched').toContainEqual([...seen, false]);
    expect(await examined(yard, { fix: true })).toContainEqual([...seen, mended]);
    const after = await examined(yard, { fix: true });
    if (mended) expect(after).toEqual([]);
    else expect(after).toContainEqual([...seen, false]);
    expect((await yard.list('incoming')).filter((file) => file.endsWith(',kept'))).toHaveLength(1);
  });
}

test.skipIf(!isRoot)('a folder of another owner is found', async () => {
  const yard = await Yard.make();
  await yard.open();
  chownSync(yard.path('errors'), 65_534, 65_534);
  expect(await examined(yard)).toEqual([['jobs/errors', 'it belongs to user 65534, and the queue to 0', false]]);
});

test('a job of a dead worker is handled again, with its attempt counted', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await FAULTS['a job whose worker has died']?.make(yard);
  await examined(yard, { fix: true });
  const delivery = await yard.takeOne(backend);
  expect([delivery.content.id, delivery.attempt]).toEqual(['left', 2]);
});

test('damaged messages are found where that is asked for', async () => {
  const yard = await Yard.make();
  await yard.open();
  yard.put('whole', json());
  yard.put('damaged', '{"header":{"request_type":"job","priority":1.5}}');
  expect(await examined(yard)).toEqual([]);
  expect(await examined(yard, { messages: true, fix: true })).toEqual([
    ['jobs/incoming/damaged', expect.stringMatching(/can't be read: header.priority/), false],
  ]);
});

test('a busy queue in good health has nothing', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  let busy = true;
  const work = (async (): Promise<void> => {
    for (let round = 0; busy; round++) {
      await yard.publish(backend, ...numbers(5).map((n) => ({ id: `job-${round}-${n}` })), {
        readyAt: Date.now() + AN_HOUR_MS,
      });
      const [first, second, third] = await yard.take(backend, 5);
      await yard.fail(backend, first);
      await backend.settle(second, { kind: 'expired', reason: 'late', failures: [] });
      await backend.settle(third, { kind: 'again', at: Date.now() + 5, countsAttempt: true, failures: [] });
    }
  })();
  try {
    for (let look = 0; look < 20; look++) {
      const findings = await doctor({ directory: yard.directory, fix: true });
      expect(findings.filter(({ problem }) => !problem.includes('nearly full'))).toEqual([]);
    }
  } finally {
    busy = false;
    await work;
  }
  expect(readdirSync(yard.path('errors')).length).toBeGreaterThan(0);
});

test('a missing directory and a bad path are told', async () => {
  const yard = await Yard.make();
  expect(await doctor({ directory: yard.directory })).toEqual([
    expect.objectContaining({ path: yard.directory, problem: expect.stringMatching(/missing/), fixed: false }),
  ]);
  await expect(doctor({ directory: '' })).rejects.toThrow('doctor: directory: expected a path, got ""');
});

test('a file system with little room counts as nearly full', () => {
  expect(isNearlyFull({ blocks: 1_000, bavail: 49, files: 0, ffree: 0 })).toBe(true);
  expect(isNearlyFull({ blocks: 1_000, bavail: 500, files: 1_000, ffree: 10 })).toBe(true);
  expect(isNearlyFull({ blocks: 1_000, bavail: 51, files: 0, ffree: 0 })).toBe(false);
  expect(typeof isNearlyFull(statfsSync('/'))).toBe('boolean');
});
