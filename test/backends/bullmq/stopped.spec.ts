import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { JOB } from '../../../bench/core-setup.js';
import type { Delivery } from '../../../lib/core/backend.js';
import { compiled } from '../../compiled.js';
import { PrivateRedis } from '../../servers/redis.js';
import type { StoppedReport, StoppedTask } from './stopped-worker.js';
import { Bench, COMPLETED, message, until } from './support.js';

const JOBS = 50;
const LEASE_MS = 3_000;

const program = join(compiled(), 'test/backends/bullmq/stopped-worker.js');

let server: PrivateRedis;

beforeAll(async () => {
  server = await PrivateRedis.start();
}, 300_000);

afterAll(() => server.stop());

test('a worker that was stopped past its leases changes nothing any more', async () => {
  const bench = new Bench(server.url);
  const backend = await bench.open({ lease: LEASE_MS });
  onTestFinished(() => bench.close());
  await backend.publish(
    bench.queue,
    Array.from({ length: JOBS }, (_, payload) => message({ name: JOB, payload })),
  );
  const { prefix, queue } = bench;
  const task: StoppedTask = { url: server.url, prefix, queue, leaseMs: LEASE_MS, jobs: JOBS };
  const child = fork(program, [JSON.stringify(task)], { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  const hears = async (): Promise<StoppedReport> => ((await once(child, 'message')) as [StoppedReport])[0];
  expect(await hears()).toBe('started');

  child.kill('SIGSTOP');
  const again: Delivery[] = [];
  await until('all jobs to come again', async () => {
    again.push(...(await backend.reserve(queue, JOBS, AbortSignal.timeout(1_000))));
    return again.length >= JOBS;
  });
  expect(again.map(({ attempt }) => attempt)).toEqual(Array.from({ length: JOBS }, () => 2));
  const answer = hears();
  child.kill('SIGCONT');

  expect(await answer).toEqual({
    reasons: Array.from({ length: JOBS }, () => 'JobLeaseLostError'),
    taken: 0,
    accepted: Array.from({ length: JOBS }, () => false),
  });
  const settled = await Promise.all(again.map((delivery) => backend.settle(delivery, COMPLETED)));
  expect(settled).toEqual(Array.from({ length: JOBS }, () => true));
  const redis = new Redis(server.url);
  expect(await redis.zcard(`${prefix}:${queue}:completed`)).toBe(JOBS);
  await redis.quit();
}, 180_000);
