import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, onTestFinished } from 'vitest';
import { beanstalkd } from '../lib/backends/beanstalkd/index.js';
import { bullmq } from '../lib/backends/bullmq/index.js';
import { filer } from '../lib/backends/filer/index.js';
import type { Backend, BackendDescription } from '../lib/core/backend.js';
import { temporaryFolder } from './backends/filer/support/temporary.js';
import { PrivateBeanstalkd } from './servers/beanstalkd.js';
import { PrivateRedis } from './servers/redis.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** What a column of a table is about. */
export type Engine = readonly [name: string, backend: Backend];

/** A line of a table: what it is about, and what stands under an engine. */
export type Line = readonly [title: string, cell: (backend: Backend) => string];

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

export function tableOf(engines: readonly Engine[], lines: readonly Line[]): string {
  return [
    ['', ...engines.map(([name]) => name)],
    ['---', ...engines.map(() => '---')],
    ...lines.map(([title, cell]) => [title, ...engines.map(([, backend]) => cell(backend))]),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Asserts that README has a text between two lines; with UPDATE_README set it is written there. */
export async function readmeHas(begin: string, end: string, text: string): Promise<void> {
  const before = await readFile(README, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  expect(from).toBeGreaterThan(0);
  expect(to).toBeGreaterThan(from);
  const written = `${before.slice(0, from)}${begin}\n\n${text}\n\n${before.slice(to)}`;
  const after = await format(written, { ...(await resolveConfig(README)), parser: 'markdown' });
  if (process.env['UPDATE_README']) await writeFile(README, after);
  else expect(before).toBe(after);
}
