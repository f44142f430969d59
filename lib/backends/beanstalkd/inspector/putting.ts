import type { Client } from '../client/client.js';
import type { NewJob } from '../client/commands.js';

/** For how long nobody can have a job that is being put, in seconds; it comes by itself should this process die then. */
const ON_ITS_WAY_S = 10;

/** The most deliveries that are made up. */
const MOST_DELIVERIES = 1_000;

/**
 * Puts a job that had so many deliveries, for bodies that can't tell of them: it is reserved and released as often. All but
 * the put goes in one write, so that the server sees all of it or nothing.
 */
export async function putDelivered(client: Client, tube: string, job: NewJob, deliveries: number): Promise<void> {
  if (deliveries === 0) return void (await client.putInto(tube, job));
  const { priority, delay } = job;
  const id = await client.putInto(tube, { ...job, delay: ON_ITS_WAY_S });
  const steps: Promise<unknown>[] = [];
  // A kick, by which one that is not delayed goes on, takes one off.
  const times = Math.min(deliveries, MOST_DELIVERIES) + (delay === 0 ? 1 : 0);
  for (let time = 1; time <= times; time++) {
    steps.push(client.reserveJob(id), client.release(id, priority, time === times && delay > 0 ? delay : ON_ITS_WAY_S));
  }
  if (delay === 0) steps.push(client.kickJob(id));
  await Promise.all(steps);
}
