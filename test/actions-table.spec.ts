import { test } from 'vitest';
import { memory } from '../lib/backends/memory/index.js';
import { JOB_STATES, type Ability, type InspectorAbilities, type JobState } from '../lib/core/inspector.js';
import type { Backend } from '../lib/core/backend.js';
import { onBeanstalkd, onFiler, onRedis, opened, readmeHas, tableOf, type Line } from './readme-table.js';

const BEGIN = '<!-- actions: written by UPDATE_README=1 npx vitest run test/actions-table -->';
const END = '<!-- end of actions -->';

type Asked = (abilities: InspectorAbilities) => Ability;

function abilitiesOf({ traits, inspector }: Backend): InspectorAbilities {
  if (!inspector) throw new Error(`${traits.name} has no inspector`);
  return inspector.abilities;
}

function shown(ability: Ability): string {
  if (typeof ability === 'object') return 'no';
  return ability === 'all' ? 'yes' : 'the next';
}

const STATES: readonly Exclude<JobState, 'active'>[] = JOB_STATES.filter((state) => state !== 'active');

const ACTIONS: readonly (readonly [title: string, ask: Asked])[] = [
  ...JOB_STATES.map((state): [string, Asked] => [`count ${state} jobs`, ({ count }) => count[state]]),
  ...JOB_STATES.map((state): [string, Asked] => [`list ${state} jobs`, ({ list }) => list[state]]),
  ['find a job by its id, where its state is listed', ({ get }) => get],
  ['retry a failed job', ({ retry }) => retry],
  ...STATES.map((state): [string, Asked] => [`remove ${state} jobs`, ({ remove }) => remove[state]]),
  ['run now, put off', ({ reschedule }) => reschedule],
  ...STATES.map((state): [string, Asked] => [`take in ${state} jobs of another engine`, ({ store }) => store[state]]),
];

test('the table of actions in README is what the engines say they can', async () => {
  const engines = [
    ['`filer`', await onFiler(false)],
    ['`bullmq`', await onRedis('everysec')],
    ['`beanstalkd`', await onBeanstalkd(false)],
    ['`memory`', await opened(memory())],
  ] as const;
  const lines = ACTIONS.map(([title, ask]): Line => [title, (backend) => shown(ask(abilitiesOf(backend)))]);
  const reasons = engines.flatMap(([name, backend]) => {
    const asked = ACTIONS.map(([, ask]) => ask(abilitiesOf(backend)));
    const why = new Set(asked.flatMap((ability) => (typeof ability === 'object' ? [ability.cannot] : [])));
    return why.size > 0 ? [`- ${name}: ${[...why].join('; ')}.`] : [];
  });
  await readmeHas(
    BEGIN,
    END,
    `${tableOf(engines, lines)}\n\nWhere it says no, the reason is:\n\n${reasons.join('\n')}`,
  );
});
