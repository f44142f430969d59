import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { BareLoop } from '../bare.js';
import { byCallers, CALLERS } from '../callers.js';
import { newPublisher, openFiler, QUEUE, request, requests } from '../core-setup.js';
import { inFolder } from '../folder.js';
import { inPairs, type Pairs } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';
import type { Publisher } from '../../lib/core/publisher.js';

/** What a message of these rows has. */
export const MESSAGE_BYTES = 250;
/** How many the filer syncs at a time; see publishing.ts there. */
const BATCH = 64;

type Publish = (publisher: Publisher, jobs: number) => Promise<void>;

export async function publishingRows(): Promise<Row[]> {
  const rows: Row[] = [];
  const add = (what: string, { ratio, a, b }: Pairs, least: number): void => {
    rows.push(ratioRow(what, ratio, { least }, `${perSecond(a)}; bare ${perSecond(b)}`));
  };
  const fast = { durable: false, jobs: 4_000, rounds: 11 };
  add('publishing in bulk, durable: false', await compare({ ...fast, publish: inBulk }), 0.6);
  add(`publishing by ${CALLERS} callers, durable: false`, await compare({ ...fast, publish: byMany }), 0.4);
  const durable = { durable: true, jobs: 512, rounds: 5 };
  add('publishing in bulk, durable', await compare({ ...durable, publish: inBulk }), 0.8);
  add(`publishing by ${CALLERS} callers, durable`, await compare({ ...durable, publish: byMany }), 0.95);
  return rows;
}

interface Comparison {
  readonly durable: boolean;
  readonly jobs: number;
  readonly rounds: number;
  readonly publish: Publish;
}

function compare({ durable, jobs, rounds, publish }: Comparison): Promise<Pairs> {
  return inFolder(async (folder) => {
    const backend = await openFiler({ directory: join(folder, 'filer'), durable });
    const publisher = newPublisher(backend);
    const bare = new BareLoop(join(folder, 'bare'), jobs, MESSAGE_BYTES);
    const incoming = join(folder, 'filer', QUEUE, 'incoming');
    const pairs = await inPairs(
      rounds,
      jobs,
      { timed: () => publish(publisher, jobs), after: () => setAside(incoming, jobs) },
      {
        timed: () => (durable ? bare.publishDurably(BATCH) : bare.publish()),
        after: () => setAside(bare.incoming, jobs),
      },
    );
    await backend.close();
    return pairs;
  });
}

async function inBulk(publisher: Publisher, jobs: number): Promise<void> {
  await publisher.publishMany(requests(jobs));
}

async function byMany(publisher: Publisher, jobs: number): Promise<void> {
  await byCallers(jobs, (n) => {
    const { name, payload } = request(n);
    return publisher.publish(name, payload);
  });
}

/**
 * Puts the folder's files out of the way. They are removed at the end only: a file system may take long to use an inode
 * again that was free just now, as ext4 without a journal does.
 */
function setAside(folder: string, expected: number): void {
  const found = readdirSync(folder).length;
  if (found !== expected) throw new Error(`expected ${expected} jobs, found ${found}`);
  renameSync(folder, `${folder}-${performance.now()}`);
  mkdirSync(folder);
}
