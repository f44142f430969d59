import { linkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { newId } from '../../../lib/core/id.js';
import { Child } from './support/child.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

const CROWD = 100_000;
/** A file may have only so many links on some systems. */
const LINKS = 30_000;

test('a hundred thousand waiting jobs cost little memory, and an urgent one is served first', async () => {
  const yard = await Yard.make();
  await (await yard.open()).close();
  const names: string[] = [];
  for (let n = 0; n < CROWD; n++) {
    const source = yard.path('tmp', `source-${Math.floor(n / LINKS)}`);
    if (n % LINKS === 0) writeFileSync(source, json());
    const name = `0000001024,${newId().replaceAll('-', '')},0,job-${n}`;
    linkSync(source, yard.path('incoming', name));
    if (n < 3) names.push(name);
  }
  const child = await Child.start({ directory: yard.directory, sweepMs: AN_HOUR_MS });
  const before = await child.call('memory');
  expect(await child.call('take', 2)).toMatchObject([{ id: 'job-0' }, { id: 'job-1' }]);
  expect((await child.call('memory')) - before).toBeLessThan(100_000_000);
  const other = await yard.open({ sweepMs: AN_HOUR_MS });
  await yard.publish(other, { id: 'urgent', priority: 3 }, { id: 'late' });
  await child.call('publish', { id: 'more urgent', priority: 2 });
  expect(await child.call('take', 1)).toMatchObject([{ id: 'more urgent' }]);
  await until('the urgent one of the other process', async () => (await child.call('take', 1))[0]?.id === 'urgent');
  expect((await yard.list('incoming')).length).toBeGreaterThan(CROWD / 2);
}, 60_000);
