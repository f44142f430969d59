import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect, onTestFinished, test } from 'vitest';
import { beanstalkd } from '../lib/backends/beanstalkd/index.js';
import { bullmq } from '../lib/backends/bullmq/index.js';
import { filer } from '../lib/backends/filer/index.js';
import { memory } from '../lib/backends/memory/index.js';
import type { BackendDescription, BackendTraits } from '../lib/core/backend.js';
import { temporaryFolder } from './backends/filer/support/temporary.js';
import { PrivateBeanstalkd } from './servers/beanstalkd.js';
import { PrivateRedis } from './servers/redis.js';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- traits: written by UPDATE_README=1 npx vitest run test/traits-table -->';
const END = '<!-- end of traits -->';
const LEAST_PRIORITY = 4_294_967_295;

const SURVIVES = { none: 'nothing', process: '`kill -9`', 'power cut': 'a power cut' } as const;

async function traitsOf(description: BackendDescription): Promise<BackendTraits> {
  const backend = await description.open({ worker: 'table', queues: [], warn: () => undefined });
  onTestFinished(() => backend.close());
  return backend.traits;
}

async function redis(appendfsync: string): Promise<BackendTraits> {
  const server = await PrivateRedis.start({ appendfsync, 'maxmemory-policy': 'noeviction' });
  onTestFinished(() => server.stop());
  return traitsOf(bullmq({ connection: server.url }));
}

async function beanstalkdWith(binlog: boolean): Promise<BackendTraits> {
  const server = await PrivateBeanstalkd.start({ binlog });
  onTestFinished(() => server.stop());
  return traitsOf(beanstalkd({ host: server.host, port: server.port }));
}

const columns: readonly (readonly [title: string, cell: (traits: BackendTraits) => string])[] = [
  ['a stored job survives', ({ durability }) => SURVIVES[durability]],
  ['served by', ({ shared }) => (shared ? 'many processes' : 'one process')],
  ['lease', ({ leaseMs }) => `${leaseMs / 1000} s`],
  ['delays in steps of', ({ delayStepMs }) => `${delayStepMs.toLocaleString('en')} ms`],
  [
    'exact priorities',
    ({ exactPriorities }) =>
      exactPriorities === LEAST_PRIORITY ? 'all' : `0 to ${exactPriorities.toLocaleString('en')}`,
  ],
  [
    'largest message',
    ({ maxBytes }) => (maxBytes === undefined ? 'no limit' : `${maxBytes.toLocaleString('en')} bytes`),
  ],
  ['finds duplicate ids', ({ findsDuplicates }) => (findsDuplicates ? 'yes' : 'no')],
  ['earlier failures', ({ history }) => (history ? 'kept' : 'the last alone')],
];

test('the table of engines in README is what their traits say', async () => {
  const directory = join(await temporaryFolder(), 'jobs');
  const engines: readonly (readonly [string, BackendTraits])[] = [
    ['`filer`', await traitsOf(filer({ directory, durable: true }))],
    ['`filer`, `durable: false`', await traitsOf(filer({ directory, durable: false }))],
    ['`bullmq`, `appendfsync always`', await redis('always')],
    ['`bullmq`, `appendfsync everysec`', await redis('everysec')],
    ['`beanstalkd` with a binlog', await beanstalkdWith(true)],
    ['`beanstalkd` without', await beanstalkdWith(false)],
    ['`memory`', await traitsOf(memory())],
  ];
  const lines = [
    ['', ...engines.map(([name]) => name)],
    ['---', ...engines.map(() => '---')],
    ...columns.map(([title, cell]) => [title, ...engines.map(([, traits]) => cell(traits))]),
  ].map((cells) => `| ${cells.join(' | ')} |`);
  const before = await readFile(README, 'utf8');
  const [begin, end] = [before.indexOf(BEGIN), before.indexOf(END)];
  expect(begin).toBeGreaterThan(0);
  expect(end).toBeGreaterThan(begin);
  const text = `${before.slice(0, begin)}${BEGIN}\n\n${lines.join('\n')}\n\n${before.slice(end)}`;
  const after = await format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
  if (process.env['UPDATE_README']) await writeFile(README, after);
  else expect(before).toBe(after);
});
