import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import type { RedisServer } from '../../servers/redis.js';
import { Bench } from './support.js';

/** What the tests of a file work with: a server of the file's own, and a bench and a client of each test's own. */
export interface OnRedis<Server extends RedisServer> {
  readonly server: Server;
  readonly bench: Bench;
  readonly redis: Redis;
}

/** Starts the server before the tests of a file, and stops it after them. */
export function onRedis<Server extends RedisServer>(start: () => Promise<Server>): OnRedis<Server> {
  let server: Server;
  let bench: Bench;
  let redis: Redis;
  beforeAll(async () => {
    server = await start();
  }, 300_000);
  afterAll(() => server.stop());
  beforeEach(() => {
    bench = new Bench(server.url);
    redis = new Redis(server.url);
  });
  afterEach(async () => {
    await bench.close();
    await redis.quit();
  });
  return {
    get server() {
      return server;
    },
    get bench() {
      return bench;
    },
    get redis() {
      return redis;
    },
  };
}
