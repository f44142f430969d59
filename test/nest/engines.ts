import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendDescription } from 'nestjs-jobs';
import { beanstalkd } from 'nestjs-jobs/beanstalkd';
import { bullmq } from 'nestjs-jobs/bullmq';
import { filer } from 'nestjs-jobs/filer';
import { memory } from 'nestjs-jobs/memory';
import { afterAll } from 'vitest';
import { beanstalkdServer } from '../servers/beanstalkd.js';
import { redisServer } from '../servers/redis.js';

/** Makes each thing when it is first asked for, and disposes of it when the file's tests are over. */
function shared<T>(make: () => Promise<T>, dispose: (made: T) => Promise<void>): () => Promise<T> {
  let made: Promise<T> | undefined;
  afterAll(async () => {
    if (made) await dispose(await made);
  });
  return () => (made ??= make());
}

/** Every engine, each call a description without jobs yet. Servers stop when the file's tests are over. */
export function engines(): Readonly<Record<string, () => Promise<BackendDescription>>> {
  const folder = shared(
    () => mkdtemp(join(tmpdir(), 'nestjs-jobs-')),
    (path) => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  );
  const redis = shared(redisServer, (server) => server.stop());
  const beanstalk = shared(beanstalkdServer, (server) => server.stop());
  return {
    memory: () => Promise.resolve(memory()),
    filer: async () => filer({ directory: join(await folder(), randomUUID()) }),
    bullmq: async () => bullmq({ connection: (await redis()).url, prefix: randomUUID() }),
    beanstalkd: async () => {
      const { host, port } = await beanstalk();
      return beanstalkd({ host, port, prefix: `${randomUUID()}-` });
    },
  };
}
