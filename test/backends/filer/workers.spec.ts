import { chmodSync, mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ProcessOwners } from '../../../lib/backends/filer/owner.js';
import { Child } from './support/child.js';
import { isRoot } from './support/temporary.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

test('a job of a worker killed with -9 runs again long before its lease has lapsed', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  const child = await Child.start({ directory: yard.directory });
  const waiting = yard.takeOne(backend);
  const killed = child.call('take', 1);
  await Promise.race([waiting, killed]);
  await yard.publish(backend, { id: 'a' }, { id: 'b' });
  const [taken] = await killed;
  await backend.settle(await waiting, { kind: 'completed' });
  await child.kill();
  const again = await yard.takeOne(backend);
  expect(again).toMatchObject({ attempt: 2, content: { id: taken?.id } });
});
