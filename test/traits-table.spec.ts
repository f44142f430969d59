import { test } from 'vitest';
import { memory } from '../lib/backends/memory/index.js';
import { onBeanstalkd, onFiler, onRedis, opened, readmeHas, tableOf, type Line } from './readme-table.js';

const BEGIN = '<!-- traits: written by UPDATE_README=1 npx vitest run test/traits-table -->';
const END = '<!-- end of traits -->';
const LEAST_PRIORITY = 4_294_967_295;

const SURVIVES = { none: 'nothing', process: '`kill -9`', 'power cut': 'a power cut' } as const;

const LINES: readonly Line[] = [
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
  const table = tableOf(
    [
      ['`filer`', await onFiler(true)],
      ['`filer`, `durable: false`', await onFiler(false)],
      ['`bullmq`, `appendfsync always`', await onRedis('always')],
      ['`bullmq`, `appendfsync everysec`', await onRedis('everysec')],
      ['`beanstalkd` with a binlog', await onBeanstalkd(true)],
      ['`beanstalkd` without', await onBeanstalkd(false)],
      ['`memory`', await opened(memory())],
    ],
    LINES,
  );
  await readmeHas(BEGIN, END, table);
});
