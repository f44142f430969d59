import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { beanstalkdServer, type BeanstalkdServer } from '../servers/beanstalkd.js';
import { redisServer, type RedisServer } from '../servers/redis.js';

/** The engines that command lines reach, each call a URL without jobs yet. Servers stop when the file's tests are over. */
export function engineUrls(): Readonly<Record<'filer' | 'bullmq' | 'beanstalkd', () => Promise<string>>> {
  let folder: Promise<string> | undefined;
  let redis: Promise<RedisServer> | undefined;
  let beanstalkd: Promise<BeanstalkdServer> | undefined;
  afterAll(async () => {
    if (folder) await rm(await folder, { recursive: true, force: true, maxRetries: 5 });
    await (await redis)?.stop();
    await (await beanstalkd)?.stop();
  });
  return {
    filer: async () => `filer:${join(await (folder ??= mkdtemp(join(tmpdir(), 'nestjs-jobs-'))), randomUUID())}`,
    bullmq: async () => `${(await (redis ??= redisServer())).url}?prefix=${randomUUID()}`,
    beanstalkd: async () => {
      const { host, port } = await (beanstalkd ??= beanstalkdServer());
      return `beanstalkd://${host}:${port}?prefix=${randomUUID()}-`;
    },
  };
}
