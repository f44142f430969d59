import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { beanstalkd } from '../lib/backends/beanstalkd/index.js';
import { bullmq } from '../lib/backends/bullmq/index.js';
import { filer } from '../lib/backends/filer/index.js';
import type { Backend, BackendDescription } from '../lib/core/backend.js';
import { temporaryFolder } from './backends/filer/support/temporary.js';
import { tableOf } from './readme-table.js';
import { PrivateBeanstalkd } from './servers/beanstalkd.js';
import { PrivateRedis } from './servers/redis.js';

/** What a column of a table is about. */
export type Engine = readonly [name: string, backend: Backend];

/** A line of a table: what it is about, and what stands under an engine. */
export type Line = readonly [title: string, cell: (backend: Backend) => string];

export function engineTable(engines: readonly Engine[], lines: readonly Line[]): string {
  return tableOf([
    ['', ...engines.map(([name]) => name)],
    ...lines.map(([title, cell]) => [title, ...engines.map(([, backend]) => cell(backend))]),
  ]);
}

export async function opened(description: BackendDescription): Promise<Backend> {
  const backend = await description.open({ worker: 'table', queues: [], warn: () => undefined });
  onTestFinished(() => backend.close());
  return backend;
}

export async function onFiler(durable: boolean): Promise<Backend> {
  return opened(filer({ directory: join(await temporaryFolder(), 'jobs'), durable }));
}

export async function onRedis(appendfsync: string): Promise<Backend> {
  const server = await PrivateRedis.start({ appendfsync, 'maxmemory-policy': 'noeviction' });
  onTestFinished(() => server.stop());
  return opened(bullmq({ connection: server.url }));
}

export async function onBeanstalkd(binlog: boolean): Promise<Backend> {
  const server = await PrivateBeanstalkd.start({ binlog });
  onTestFinished(() => server.stop());
  return opened(beanstalkd({ host: server.host, port: server.port }));
}
