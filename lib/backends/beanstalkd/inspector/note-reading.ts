import { setTimeout as sleep } from 'node:timers/promises';
import { BackendError } from '../../../core/backend.js';
import { Client, type ReservedJob } from '../client/client.js';
import { connect } from '../client/connect.js';
import type { Server } from '../server.js';

/** How many notes are asked for at a time. */
const AT_A_TIME = 500;

/** How often notes are read again that others are reading too, and the longest pause before, in milliseconds. */
const MOST_TRIES = 40;
const LONGEST_PAUSE_MS = 250;

/**
 * Reads the first notes of tubes, the oldest first. The server has no list of them, so a connection of its own reserves
 * them, and gives all back unchanged and in their old order by its end, however that comes: a reader that dies loses none.
 *
 * While one reads, another finds less than there is. Whoever finds that gives back what he has, and begins again.
 *
 * @param most how many; Infinity for all
 * @param begin gives what hears of each note as it is stored, anew at each beginning
 * @returns whether there are no others
 */
export async function readNotes(
  server: Server,
  tubes: readonly string[],
  most: number,
  begin: () => (note: ReservedJob) => void,
): Promise<boolean> {
  for (let tries = 1; tries <= MOST_TRIES; tries++) {
    const client = new Client(await connect(server.address));
    try {
      await client.watchOnly(...tubes);
      const outcome = await readOnce(client, tubes, most, begin());
      if (outcome !== 'disturbed') return outcome === 'all';
    } finally {
      await client.connection.close();
    }
    await sleep(Math.random() * Math.min(10 * tries, LONGEST_PAUSE_MS));
  }
  throw new BackendError(
    `the notes in ${tubes.map((tube) => `"${tube}"`).join(', ')} are being read by others all the time`,
    { passing: true },
  );
}

async function readOnce(
  client: Client,
  tubes: readonly string[],
  most: number,
  read: (note: ReservedJob) => void,
): Promise<'all' | 'first' | 'disturbed'> {
  let taken = 0;
  let last = 0n;
  for (;;) {
    const wanted = Math.min(most - taken, AT_A_TIME);
    // In one write, so that little can happen in between.
    const reserving = Array.from({ length: wanted }, () => client.reserve(0));
    const [jobs, stats, peeked] = await Promise.all([
      Promise.all(reserving),
      Promise.all(tubes.map((tube) => client.statsTube(tube))),
      Promise.all(tubes.map((tube) => client.peekIn(tube))),
    ]);
    for (const job of jobs) {
      if (!job) break;
      taken += 1;
      // One that somebody gave back comes before those that were read.
      if (BigInt(job.id) < last) return 'disturbed';
      last = BigInt(job.id);
      read(job);
    }
    const reserved = stats.reduce((sum, each) => sum + (each?.number('current-jobs-reserved') ?? 0), 0);
    if (reserved !== taken) return 'disturbed';
    const next = peeked.filter((note) => note !== undefined);
    if (next.some(({ id }) => BigInt(id) < last)) return 'disturbed';
    if (next.length === 0) return 'all';
    if (taken >= most) return 'first';
  }
}
