import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { mayMount } from '../filer/support/temporary.js';
import { House, PATIENCE, publish, take } from './house.js';

let house: House;

/** The library has no such command; other tools do. */
async function pause({ connection }: Client, seconds: number): Promise<void> {
  await connection.send({ line: `pause-tube mail ${seconds}`, words: new Set(['PAUSED']) });
}

afterEach(() => house.end());

test('a server that was started again with a smaller limit refuses what is too large for it for good', async () => {
  house = await House.open();
  const backend = await house.backend();
  await house.server.kill();
  await house.server.start(['-z', '2000']);
  const published = (): Promise<boolean> =>
    publish(backend, 'mail', { payload: 'small' }).then(
      () => true,
      () => false,
    );
  await expect.poll(published, PATIENCE).toBe(true);
  await expect(publish(backend, 'mail', { payload: 'a'.repeat(3_000) })).rejects.toMatchObject({
    passing: false,
    stored: 0,
    maybeStored: false,
    message: expect.stringContaining('max-job-size') as unknown,
  });
  expect((await take(backend, 'mail')).content).toMatchObject({ payload: 'small' });
});

test('a queue that is paused by any tool waits, and goes on when it is resumed', async () => {
  house = await House.open();
  const backend = await house.backend();
  const crew = house.crew(backend, 'mail', { handlers: { job: () => undefined } });
  await publish(backend, 'mail', {});
  await crew.hears('completed');
  const client = await house.client();
  await pause(client, 3_600);
  await publish(backend, 'mail', {}, {});
  await expect.poll(() => house.count('mail', 'current-jobs-ready'), PATIENCE).toBe(2);
  expect(crew.told('started')).toHaveLength(1);
  await pause(client, 0);
  await crew.hears('completed', 3);
});

test.skipIf(!mayMount)('a full disk fails what is published, and heals when there is room again', async () => {
  house = await House.open({ args: ['-s', '65536'] });
  const { folder } = house.server;
  await house.server.kill();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  try {
    await house.server.start();
    const backend = await house.backend();
    await publish(backend, 'mail', { payload: 'before' });
    const filler = join(folder, 'filler');
    const { bavail, bsize } = statfsSync(folder);
    writeFileSync(filler, Buffer.alloc(bavail * bsize));
    const fill = async (): Promise<unknown> => {
      for (;;) await publish(backend, 'mail', { payload: 'x'.repeat(10_000) });
    };
    await expect(fill()).rejects.toMatchObject({
      passing: true,
      stored: 0,
      maybeStored: false,
      message: expect.stringContaining('disk is full') as unknown,
    });
    const held = await take(backend, 'mail');
    expect(held.content).toMatchObject({ payload: 'before' });
    expect(await backend.settle(held, { kind: 'completed' })).toBe(true);
    unlinkSync(filler);
    await publish(backend, 'mail', { payload: 'after' });
  } finally {
    await house.server.kill();
    execFileSync('umount', ['-l', folder]);
  }
});

test('a server that has no descriptors left fails a reserve within its deadline, and heals', async () => {
  house = await House.open();
  const backend = await house.backend();
  execFileSync('prlimit', ['--pid', String(house.server.pid), '--nofile=30:30']);
  const crowd = Array.from({ length: 60 }, () => connect(house.server.port, house.server.host));
  await Promise.all(crowd.map((socket) => once(socket, 'connect')));
  const began = performance.now();
  await expect(backend.reserve('mail', 1, AbortSignal.timeout(60_000))).rejects.toMatchObject({ passing: true });
  expect(performance.now() - began).toBeLessThan(15_000);
  await publish(backend, 'mail', { payload: 'on the connection that is there' });
  for (const socket of crowd) socket.destroy();
  expect((await take(backend, 'mail')).content).toMatchObject({ payload: 'on the connection that is there' });
}, 60_000);
