import { QueueFullError } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { shop, ShopModule } from './applications.js';

const ada = { to: 'ada' };

test('a queue that is full is full in tests, too, until its jobs have run', async () => {
  const { jobs, publisher, lines } = await shop(undefined, ShopModule.on({ queues: { mail: { maxJobs: 2 } } }));
  await publisher.publish('mail', ada);
  await publisher.publish('mail', ada);
  await expect(publisher.publish('mail', ada)).rejects.toBeInstanceOf(QueueFullError);
  await jobs.drain();
  expect(lines).toHaveLength(2);
  await publisher.publish('mail', ada);
});

test('who waits for room has it once a test lets jobs run', async () => {
  const { jobs, publisher, lines } = await shop(
    undefined,
    ShopModule.on({ queues: { mail: { maxJobs: 1, whenFull: 'wait' } } }),
  );
  await publisher.publish('mail', ada);
  const waiting = publisher.publish('mail', ada);
  await jobs.drain();
  await waiting;
  await jobs.drain();
  expect(lines).toHaveLength(2);
});

test('jobs that have waited too long expire as the time passes', async () => {
  const { jobs, publisher, lines } = await shop(undefined, ShopModule.on({ queues: { mail: { maxAge: '1h' } } }));
  await publisher.publish('mail', { to: 'busy' });
  await publisher.publish('mail', ada, { delay: '2h' });
  expect(await jobs.advance('2h')).toMatchObject({ expired: 0, completed: 1 });
  expect(lines).toHaveLength(1);
});

test('a queue’s rate: a drain runs as many as it allows, and the rest as the time passes', async () => {
  const { jobs, publisher, lines } = await shop(
    undefined,
    ShopModule.on({ queues: { mail: { rate: { max: 3, per: '1m' } } } }),
  );
  for (let n = 0; n < 7; n++) await publisher.publish('mail', ada);
  expect(await jobs.drain()).toMatchObject({ completed: 3, handedBack: 0 });
  expect(await jobs.drain()).toMatchObject({ completed: 0 });
  expect(await jobs.advance('59s')).toMatchObject({ completed: 0 });
  expect(await jobs.advance('1s')).toMatchObject({ completed: 3 });
  expect(await jobs.advance('1m')).toMatchObject({ completed: 1 });
  expect(lines.every((line) => line.endsWith('attempt 1'))).toBe(true);
});

test('a handler’s rate: the same', async () => {
  const { jobs, publisher, lines } = await shop(
    undefined,
    ShopModule.on({ handlers: { mail: { rate: { max: 3, per: '1m' } } } }),
  );
  for (let n = 0; n < 7; n++) await publisher.publish('mail', ada);
  expect(await jobs.drain()).toMatchObject({ completed: 3, handedBack: 4 });
  expect(await jobs.advance('1m')).toMatchObject({ completed: 3 });
  expect(await jobs.advance('1m')).toMatchObject({ completed: 1 });
  expect(lines.every((line) => line.endsWith('attempt 1'))).toBe(true);
});
