import { setImmediate } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { Places } from '../../../lib/backends/beanstalkd/records/places.js';
import { FakeServer } from './fake-server.js';

test('a claim whose connection is lost fails once: nothing of it fails where nobody hears', async () => {
  const unheard: unknown[] = [];
  const hear = (error: unknown): void => void unheard.push(error);
  process.on('unhandledRejection', hear);
  onTestFinished(() => void process.off('unhandledRejection', hear));
  const server = await FakeServer.listen();
  onTestFinished(() => server.close());
  const client = await server.client();
  const body = { key: 'key', text: 'text', expiresAt: Date.now() + 60_000, nonce: 'nonce' };
  const claiming = new Places().claim(client, 'tube', body).catch((error: unknown) => error);
  await server.hears('peek-delayed\r\n');
  server.hangUp();
  expect(await claiming).toMatchObject({ name: 'ConnectionLost', written: true });
  await setImmediate();
  expect(unheard).toEqual([]);
});
