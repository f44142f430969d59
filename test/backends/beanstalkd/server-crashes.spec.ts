import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { BackendError } from '../../../lib/core/backend.js';
import type { Job } from '../../../lib/core/job.js';
import { House, PATIENCE, publish } from './house.js';

const KILLS = 20;
const PUBLISHERS = 8;

let house: House;

afterEach(() => house.end());

test(`no acknowledged job is lost, and none handled twice without a cause, while the server is killed ${KILLS} times`, async () => {
  house = await House.open({ args: ['-f0'] });
  const backend = await house.backend();
  /** Of a job that is not told as completed, the settlement was under way when the server was killed. */
  const handled = new Set<string>();
  const handle = async (_: unknown, { id, signal }: Job): Promise<void> => {
    await sleep(5, undefined, { signal });
    handled.add(id);
  };
  const crew = house.crew(backend, 'mail', { handlers: { job: handle }, concurrency: 10 });
  const acknowledged = new Set<string>();
  const uncertain = new Set<string>();
  let next = 0;
  let killing = true;
  const publishing = async (): Promise<void> => {
    while (killing) {
      const id = `job-${next++}`;
      try {
        await publish(backend, 'mail', { id });
        acknowledged.add(id);
      } catch (error) {
        if (!(error instanceof BackendError)) throw error;
        if (error.maybeStored) uncertain.add(id);
      }
      await sleep(5);
    }
  };
  const publishers = Array.from({ length: PUBLISHERS }, publishing);
  for (let kills = 0; kills < KILLS; kills++) {
    const before = acknowledged.size;
    await expect.poll(() => acknowledged.size - before, PATIENCE).toBeGreaterThan(20);
    await sleep(Math.random() * 100);
    await house.server.kill();
    await house.server.start();
  }
  killing = false;
  await Promise.all(publishers);
  const missing = (): string[] => [...acknowledged].filter((id) => !handled.has(id));
  await expect.poll(missing, { timeout: 30_000 }).toEqual([]);
  // Whatever was started and not completed was cut short by a kill, and told so.
  const untold = (): number =>
    crew.told('started').length - crew.told('completed').length - crew.told('leaseLost').length;
  await expect.poll(untold, PATIENCE).toBe(0);
  const completed = crew.told('completed').map(({ job }) => job.id);
  const figures = `${acknowledged.size} acknowledged, ${crew.told('leaseLost').length} cut short`;
  expect(completed, figures).toHaveLength(new Set(completed).size);
  expect(completed.filter((id) => !acknowledged.has(id) && !uncertain.has(id))).toEqual([]);
}, 120_000);
