import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobFailedError } from '../../lib/core/answer-errors.js';
import { openOffice, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

for (const way of ['alone', 'in bulk'] as const) {
  const remove = async (id: string): Promise<unknown> =>
    way === 'alone' ? office.operator.remove('default', id) : office.operator.removeAll({ state: 'waiting' });

  test(`a job that is removed ${way} frees its unique key`, async () => {
    const unique = { key: 'a key' };
    const { id } = await office.shop.publisher.publish('send', 1, { unique });
    expect((await office.shop.publisher.publish('send', 2, { unique })).duplicate).toBe(true);
    await remove(id);
    expect((await office.shop.publisher.publish('send', 3, { unique })).duplicate).toBe(false);
  });

  test(`who waits for the result of a job that is removed ${way} is told`, async () => {
    const job = await office.shop.publisher.publish('send', 1, { keepResult: '1h' });
    const waiting = job.result({ timeout: '1h' }).catch((error: unknown) => error);
    await remove(job.id);
    const error = await waiting;
    expect(error).toBeInstanceOf(JobFailedError);
    expect(error).toMatchObject({ reason: 'dropped', message: 'an operator has removed it' });
  });
}
