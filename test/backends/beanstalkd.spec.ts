import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { beanstalkd } from '../../lib/backends/beanstalkd/index.js';
import { Client } from '../../lib/backends/beanstalkd/client/client.js';
import { connect } from '../../lib/backends/beanstalkd/client/connect.js';
import { backendConformance, type Exemption } from '../../lib/conformance/index.js';
import { beanstalkdServer, type BeanstalkdServer } from '../servers/beanstalkd.js';

let server: BeanstalkdServer;

beforeAll(async () => {
  server = await beanstalkdServer();
}, 300_000);

afterAll(() => server.stop());

describe('conformance', () => {
  const exempt: Exemption[] = [];

  backendConformance({
    test: (name, run) => test.concurrent(name, run, 60_000),
    createBackend: ({ leaseMs }) => {
      const prefix = `test-${randomUUID()}.`;
      return {
        backend: beanstalkd({ host: server.host, port: server.port, prefix, lease: leaseMs }),
        putForeign: (queue, body) => putForeign(`${prefix}${queue}`, body),
      };
    },
    shortLeaseMs: 2_000,
    report: (exemption) => exempt.push(exemption),
  });

  afterAll(() => {
    const reasons = new Set(exempt.map(({ reason }) => reason));
    const gone = 'beanstalkd keeps no job that has completed or expired';
    expect([...reasons].sort()).toEqual([
      ...['count.completed', 'count.expired'].map((what) => `inspector.abilities.${what}: ${gone}`),
      'inspector.abilities.list.active: beanstalkd shows no job that a worker has',
      `inspector.abilities.list.completed: ${gone}`,
      "inspector.abilities.list.delayed: 'head'",
      `inspector.abilities.list.expired: ${gone}`,
      "inspector.abilities.list.waiting: 'head'",
      ...['store.completed', 'store.expired'].map((what) => `inspector.abilities.${what}: ${gone}`),
      'the backend has no backlog.bytes',
      'the backend has no backlog.dropOldest',
      'traits.findsDuplicates is false',
      'traits.history is false',
    ]);
  });
});

/** Other programs say a job's priority in their put; what its message says is only told. */
async function putForeign(tube: string, body: Uint8Array): Promise<void> {
  const [, priority = '1024'] = /"priority":(\d+)[,}]/.exec(Buffer.from(body).toString('latin1')) ?? [];
  const client = new Client(await connect({ host: server.host, port: server.port }));
  await client.use(tube);
  await client.put({ priority: Number(priority), delay: 0, ttr: 60, body });
  await client.connection.close();
}
