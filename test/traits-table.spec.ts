import { join } from 'node:path';
import { onTestFinished, test } from 'vitest';
import { beanstalkd } from '../lib/backends/beanstalkd/index.js';
import { bullmq } from '../lib/backends/bullmq/index.js';
import { filer } from '../lib/backends/filer/index.js';
import { memory } from '../lib/backends/memory/index.js';
import type { Backend, BackendDescription } from '../lib/core/backend.js';
import { temporaryFolder } from './backends/filer/support/temporary.js';
import { expectTable } from './readme-table.js';
import { PrivateBeanstalkd } from './servers/beanstalkd.js';
import { PrivateRedis } from './servers/redis.js';

const LEAST_PRIORITY = 4_294_967_295;

const SURVIVES = { none: 'nothing', process: '`kill -9`', 'power cut': 'a power cut' } as const;

async function opened(description: BackendDescription): Promise<Backend> {
  const backend = await description.open({ worker: 'table', queues: [], warn: () => undefined });
  onTestFinished(() => backend.close());
  return backend;
}

async function redis(appendfsync: string): Promise<Backend> {
  const server = await PrivateRedis.start({ appendfsync, 'maxmemory-policy': 'noeviction' });
  onTestFinished(() => server.stop());
  return opened(bullmq({ connection: server.url }));
}

async function beanstalkdWith(binlog: boolean): Promise<Backend> {
  const server = await PrivateBeanstalkd.start({ binlog });
  onTestFinished(() => server.stop());
  return opened(beanstalkd({ host: server.host, port: server.port }));
}

const columns: readonly (readonly [title: string, cell: (backend: Backend) => string])[] = [
  ['a stored job survives', ({ traits: { durability } }) => SURVIVES[durability]],
  ['served by', ({ traits: { shared } }) => (shared ? 'many processes' : 'one process')],
  ['lease', ({ traits: { leaseMs } }) => `${leaseMs / 1000} s`],
  ['delays in steps of', ({ traits: { delayStepMs } }) => `${delayStepMs.toLocaleString('en')} ms`],
  [
    'exact priorities',
    ({ traits: { exactPriorities } }) =>
      exactPriorities === LEAST_PRIORITY ? 'all' : `0 to ${exactPriorities.toLocaleString('en')}`,
  ],
  [
    'largest message',
    ({ traits: { maxBytes } }) => (maxBytes === undefined ? 'no limit' : `${maxBytes.toLocaleString('en')} bytes`),
  ],
  ['finds duplicate ids', ({ traits: { findsDuplicates } }) => (findsDuplicates ? 'yes' : 'no')],
  ['earlier failures', ({ traits: { history } }) => (history ? 'kept' : 'the last alone')],
  [
    'limits of queues',
    ({ backlog }) => {
      if (!backlog) return 'none';
      return ['jobs', ...(backlog.bytes ? ['bytes'] : []), ...(backlog.dropOldest ? ['`drop-oldest`'] : [])].join(', ');
    },
  ],
  ['rates hold', ({ records, traits }) => (records && traits.shared ? 'over all processes' : 'within one process')],
];

test('the table of engines in README is what their traits say', async () => {
  const directory = join(await temporaryFolder(), 'jobs');
  const engines: readonly (readonly [string, Backend])[] = [
    ['`filer`', await opened(filer({ directory, durable: true }))],
    ['`filer`, `durable: false`', await opened(filer({ directory, durable: false }))],
    ['`bullmq`, `appendfsync always`', await redis('always')],
    ['`bullmq`, `appendfsync everysec`', await redis('everysec')],
    ['`beanstalkd` with a binlog', await beanstalkdWith(true)],
    ['`beanstalkd` without', await beanstalkdWith(false)],
    ['`memory`', await opened(memory())],
  ];
  await expectTable('traits', [
    ['', ...engines.map(([name]) => name)],
    ...columns.map(([title, cell]) => [title, ...engines.map(([, backend]) => cell(backend))]),
  ]);
});
