import { randomUUID } from 'node:crypto';
import { afterAll } from 'vitest';
import { beanstalkdServer } from '../servers/beanstalkd.js';
import { redisServer } from '../servers/redis.js';

interface Stoppable {
  stop(): Promise<void>;
}

/** Starts a server when it is first asked for, and stops it when the file's tests are over. */
function shared<Server extends Stoppable>(start: () => Promise<Server>): () => Promise<Server> {
  let server: Promise<Server> | undefined;
  afterAll(async () => (await server)?.stop());
  return () => (server ??= start());
}

const redis = shared(redisServer);
const beanstalkd = shared(beanstalkdServer);

/** Jobs of each test apart; and a short lease, for that is how long Redis takes to give up a worker that was killed. */
const query = (): string => `?prefix=shop-${randomUUID()}&lease=3s`;

/** The engines that the shop runs on: what is put into its environment, which is all that differs. */
export const engines: readonly { readonly engine: string; readonly jobs: () => Promise<Record<string, string>> }[] = [
  { engine: 'filer', jobs: () => Promise.resolve({}) },
  { engine: 'BullMQ', jobs: async () => ({ JOBS_URL: (await redis()).url + query() }) },
  {
    engine: 'beanstalkd',
    async jobs() {
      const { host, port } = await beanstalkd();
      return { JOBS_URL: `beanstalkd://${host}:${port}${query()}` };
    },
  },
];
