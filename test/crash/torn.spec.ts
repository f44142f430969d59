import { afterEach, expect, test } from 'vitest';
import { tallyOf } from '../../bench/crash/engines/tally.js';
import { QUEUES } from '../../bench/crash/plan.js';
import { House, PATIENCE } from '../backends/beanstalkd/house.js';

let house: House;

afterEach(() => house.end());

test('failed jobs that a kill has cut are told from those that failed for another reason', async () => {
  house = await House.open();
  const backend = await house.backend();
  const [queue] = QUEUES;
  await house.put(queue, new Uint8Array(300));
  await house.put(queue, 'no message');
  await house.put(queue, new Uint8Array(1));
  await house.put(queue, '{"header":{\0\0\0');
  house.crew(backend, queue, { handlers: {} });
  const { host, port } = house.server;
  const tally = tallyOf('beanstalkd', `beanstalkd://${host}:${port}`);
  const failed = async (): Promise<unknown[]> => {
    const { buried, notes } = await tally.count();
    return [buried, notes];
  };
  await expect.poll(failed, PATIENCE).toEqual([4, 4]);
  expect(await tally.removeTorn?.()).toBe(3);
  await expect.poll(failed, PATIENCE).toEqual([1, 1]);
  expect(await tally.removeTorn?.()).toBe(0);
  await tally.close();
});
