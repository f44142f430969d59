import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { BullmqConnection } from '../../../lib/backends/bullmq/index.js';
import { debianProgram } from '../../servers/debian.js';
import { freePort } from '../../servers/private-server.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Sentinel } from '../../servers/sentinel.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

/** One job waits for a reserve, another is waited for. */
async function expectServed(connection: BullmqConnection): Promise<void> {
  const bench = new Bench(connection);
  const backend = await bench.open();
  try {
    await backend.publish(bench.queue, [message({ payload: 'first' })]);
    const first = await takeOne(backend, bench.queue);
    const taking = takeOne(backend, bench.queue);
    await backend.publish(bench.queue, [message({ payload: 'second' })]);
    const both = [first, await taking];
    expect(both.map((delivery) => readable(delivery).payload)).toEqual(['first', 'second']);
    for (const delivery of both) expect(await backend.settle(delivery, COMPLETED)).toBe(true);
  } finally {
    await bench.close();
  }
}

describe('TLS', () => {
  let folder: string;
  let server: PrivateRedis;
  let port: number;
  let ca: Buffer;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'redis-tls-'));
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const made = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-keyout', key, '-out', certificate];
    const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    await promisify(execFile)(await debianProgram('openssl', 'openssl', 'version'), ['req', ...made, ...named]);
    ca = await readFile(certificate);
    port = await freePort();
    server = await PrivateRedis.start({
      'tls-port': String(port),
      'tls-cert-file': certificate,
      'tls-key-file': key,
      'tls-ca-cert-file': certificate,
      'tls-auth-clients': 'no',
    });
  }, 300_000);

  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test('serves jobs by options', () => expectServed({ host: 'localhost', port, tls: { ca } }));

  test('serves jobs by a client of a rediss:// URL', async () => {
    const client = new Redis(`rediss://localhost:${port}`, { tls: { ca } });
    onTestFinished(() => client.disconnect());
    await expectServed(client);
    expect(await client.ping()).toBe('PONG');
  });

  test('stops the application where nobody vouches for the certificate', async () => {
    const opening = new Bench(`rediss://localhost:${port}`).open();
    await expect(opening).rejects.toThrow(/Redis at localhost:\d+ can't be used: self-signed certificate/);
  });
});

describe('Sentinel', () => {
  test('tells where Redis is', async () => {
    const server = await PrivateRedis.start();
    const sentinel = await Sentinel.of(server);
    onTestFinished(async () => {
      await sentinel.stop();
      await server.stop();
    });
    const { host, port, name } = sentinel;
    const asked = new Redis({ host, port, lazyConnect: true });
    asked.on('error', () => undefined);
    await until('the sentinel to know the server', () =>
      asked.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name).then(
        (address) => Array.isArray(address),
        () => false,
      ),
    );
    asked.disconnect();
    await expectServed({ sentinels: [{ host, port }], name });
  }, 300_000);
});
