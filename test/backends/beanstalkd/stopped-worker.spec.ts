import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, onTestFinished, test } from 'vitest';
import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { compiled } from '../../compiled.js';
import { House, publish, take } from './house.js';
import type { LingeringReport, LingeringTask } from './lingering-worker.js';

const JOBS = 50;
const LEASE_MS = 2_000;

const program = join(compiled(), 'test/backends/beanstalkd/lingering-worker.js');

let house: House;

afterEach(() => house.end());

test(`${JOBS} jobs of a stopped worker: each signal is aborted, each late outcome dropped`, async () => {
  house = await House.open();
  const backend = await house.backend();
  await publish(backend, 'mail', ...Array.from({ length: JOBS }, () => ({})));
  const { host, port } = house.server;
  const task: LingeringTask = { host, port, leaseMs: LEASE_MS, jobs: JOBS, handleMs: LEASE_MS + 1_000 };
  const child = fork(program, [JSON.stringify(task)], { execArgv: [] });
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await once(child, 'message')).toContain('handling');
  child.kill('SIGSTOP');
  const taking = takeAll(backend);
  await sleep(LEASE_MS + 500);
  const told = once(child, 'message') as Promise<[LingeringReport]>;
  child.kill('SIGCONT');
  const aborts = Array(JOBS).fill('JobLeaseLostError');
  expect((await told)[0]).toEqual({ aborts, leasesLost: JOBS, completed: 0 });
  const again = await taking;
  expect(again.every(({ attempt }) => attempt === 2)).toBe(true);
  const settled = await Promise.all(again.map((delivery) => backend.settle(delivery, { kind: 'completed' })));
  expect(settled).toEqual(Array(JOBS).fill(true));
  expect(await house.count('mail', 'current-jobs-ready')).toBe(0);
}, 180_000);

async function takeAll(backend: Backend): Promise<Delivery[]> {
  const taken: Delivery[] = [];
  while (taken.length < JOBS) taken.push(await take(backend, 'mail'));
  return taken;
}
