import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { JobHandler, PublishError, type Job } from 'nestjs-jobs';
import { bullmq } from 'nestjs-jobs/bullmq';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gate, startJobs } from '../../nest/application.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Sentinel } from '../../servers/sentinel.js';
import { Bench, until } from './support.js';

/** What the sentinels may take, with a vote that has to be held again. */
const FAILOVER_MS = 60_000;

const JOBS_BEFORE = 100;

let primary: PrivateRedis;
let replica: PrivateRedis;
let sentinels: Sentinel[];
let asked: Redis[];

beforeAll(async () => {
  [primary, replica] = await Promise.all([PrivateRedis.start(), PrivateRedis.start()]);
  const { host, port } = primary;
  const follower = new Redis(replica.url);
  await follower.call('REPLICAOF', host, port);
  await until('the replica to follow', async () => (await follower.info('replication')).includes('_link_status:up'));
  follower.disconnect();
  sentinels = await Promise.all([1, 2, 3].map(() => Sentinel.of(primary, 2)));
  asked = sentinels.map((sentinel) => new Redis({ host: sentinel.host, port: sentinel.port }));
  await until('the sentinels to know all', async () => {
    const known = await Promise.all(asked.map(watched));
    return known.every((one) => one.get('num-slaves') === '1' && one.get('num-other-sentinels') === '2');
  });
}, 300_000);

afterAll(async () => {
  for (const one of asked) one.disconnect();
  await Promise.all([...sentinels, primary, replica].map((server) => server.stop()));
});

/** What a sentinel knows of the server that it watches. */
async function watched(sentinel: Redis): Promise<Map<string, string>> {
  const flat = (await sentinel.call('SENTINEL', 'MASTER', 'jobs')) as string[];
  return new Map(flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : [])));
}

test(
  'publishers and workers go on by themselves on the replica that takes over for a killed primary',
  { timeout: 180_000 },
  async () => {
    const takenOver = gate();
    const slowStarted = gate();
    const handled: unknown[] = [];
    class Handler {
      async handle(payload: unknown, job: Job): Promise<void> {
        if (payload === 'slow') {
          slowStarted.open();
          await takenOver.opened;
        }
        handled.push(payload === 'slow' ? [payload, job.attempt] : payload);
      }
    }
    JobHandler('note')(Handler);
    const { prefix, connection } = new Bench({
      sentinels: sentinels.map(({ host, port }) => ({ host, port })),
      name: 'jobs',
    });
    const { publisher, lines } = await startJobs({ providers: [Handler] }, { backend: bullmq({ connection, prefix }) });

    const stored: unknown[] = [];
    const surelyNot: unknown[] = [];
    const errors: unknown[] = [];
    const publish = async (payload: unknown): Promise<boolean> => {
      try {
        await publisher.publish('note', payload);
        stored.push(payload);
        return true;
      } catch (error) {
        errors.push(error);
        if (error instanceof PublishError && !error.maybeStored) surelyNot.push(payload);
        return false;
      }
    };
    await publish('slow');
    await slowStarted.opened;
    await Promise.all(Array.from({ length: JOBS_BEFORE }, (_, payload) => publish(payload)));
    // What a replica has not been sent yet, Redis loses with the primary.
    const leader = new Redis(primary.url);
    await until('all to be replicated', async () => (await leader.wait(1, 1_000)) === 1);
    leader.disconnect();
    expect(stored).toHaveLength(JOBS_BEFORE + 1);

    await primary.kill();
    const killedAt = Date.now();
    let next = JOBS_BEFORE;
    const goesOn = async (): Promise<boolean> => {
      await sleep(50);
      return publish(next++);
    };
    await until('a publish to succeed', goesOn, FAILOVER_MS);
    expect(Date.now() - killedAt).toBeLessThan(FAILOVER_MS);
    takenOver.open();
    for (let more = 0; more < 10; more++) await publish(next++);

    const ends = new Set(stored.filter((payload) => payload !== 'slow'));
    const isHandled = (): boolean => [...ends].every((payload) => handled.includes(payload));
    await until('all that was stored to be handled', isHandled, FAILOVER_MS);
    await until('the slow one to be handled', () => handled.some((one) => Array.isArray(one)), FAILOVER_MS);
    const addresses = await Promise.all(asked.map((one) => one.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'jobs')));
    expect(addresses).toEqual(asked.map(() => [replica.host, String(replica.port)]));
    expect(handled.filter((one) => Array.isArray(one))).toEqual([['slow', 1]]);
    expect(new Set(handled).size).toBe(handled.length);
    expect(handled.filter((payload) => surelyNot.includes(payload))).toEqual([]);
    for (const error of errors) expect(error).toBeInstanceOf(PublishError);
    expect(errors.length).toBeGreaterThan(0);
    const said = (): string[] => lines.ofJobs().filter((line) => line.startsWith('bullmq '));
    await until('it to be told', () => said().some((line) => line.includes('is back after')));
    expect(said()).toEqual([
      expect.stringMatching(/^bullmq fails: .*"jobs" of the sentinels .*Trying again/),
      expect.stringMatching(/^bullmq is back after \d/),
    ]);
  },
);
