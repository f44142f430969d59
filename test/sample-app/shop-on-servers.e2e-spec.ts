import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { beanstalkdServer, type BeanstalkdServer } from '../servers/beanstalkd.js';
import { redisServer, type RedisServer } from '../servers/redis.js';
import { describeShop } from './describe-shop.js';

let redis: RedisServer;
let beanstalkd: BeanstalkdServer;

beforeAll(async () => {
  [redis, beanstalkd] = await Promise.all([redisServer(), beanstalkdServer()]);
}, 300_000);

afterAll(async () => {
  await Promise.all([redis.stop(), beanstalkd.stop()]);
});

/** Jobs of each test apart; and a short lease, for that is how long Redis takes to give up a worker that was killed. */
function query(): string {
  return `?prefix=shop-${randomUUID()}&lease=3s`;
}

describeShop('BullMQ', () => Promise.resolve({ JOBS_URL: redis.url + query() }));

describeShop('beanstalkd', () => {
  const { host, port } = beanstalkd;
  return Promise.resolve({ JOBS_URL: `beanstalkd://${host}:${port}${query()}` });
});
