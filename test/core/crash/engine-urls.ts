import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { beanstalkdServer } from '../../servers/beanstalkd.js';
import { redisServer } from '../../servers/redis.js';

/** Where each engine is that processes share, for as long as a test goes on; leases last two seconds. */
export const ENGINE_URLS: Readonly<Record<string, () => Promise<string>>> = {
  async filer() {
    const folder = await mkdtemp(join(tmpdir(), 'nestjs-jobs-'));
    onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
    return `filer:${folder}/jobs?durable=false&lease=2s`;
  },
  async bullmq() {
    const server = await redisServer();
    onTestFinished(() => server.stop());
    return `${server.url}?prefix=crash-${process.pid}&lease=2s`;
  },
  async beanstalkd() {
    const server = await beanstalkdServer();
    onTestFinished(() => server.stop());
    return `beanstalkd://${server.host}:${server.port}?prefix=crash-${process.pid}-&lease=2s`;
  },
};
