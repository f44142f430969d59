import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bullmq } from '../../lib/backends/bullmq/index.js';
import { backendConformance, type Exemption } from '../../lib/conformance/index.js';
import { redisServer, type RedisServer } from '../servers/redis.js';
import { putForeign } from './bullmq/put-foreign.js';

let server: RedisServer;

beforeAll(async () => {
  server = await redisServer();
}, 300_000);

afterAll(() => server.stop());

describe('conformance', () => {
  const exempt: Exemption[] = [];

  backendConformance({
    test: (name, run) => test.concurrent(name, run, 60_000),
    createBackend: ({ leaseMs }) => {
      const prefix = `test-${randomUUID()}`;
      return {
        backend: bullmq({ connection: server.url, prefix, lease: leaseMs }),
        putForeign: (queue, bytes) => putForeign(server.url, prefix, queue, bytes),
      };
    },
    report: (exemption) => exempt.push(exemption),
  });

  afterAll(() => {
    const reasons = new Set(exempt.map(({ reason }) => reason));
    expect([...reasons].sort()).toEqual([
      'its inspector can do all',
      "no inspector.abilities.list is 'head'",
      'traits.findsDuplicates is true',
      'traits.history is true',
      'traits.maxBytes is undefined',
    ]);
  });
});
