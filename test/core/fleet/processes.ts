import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import { JobsOperator } from '../../../lib/operating/jobs-operator.js';
import { compiled } from '../../compiled.js';
import { openPublishing } from '../crash/publishing.js';

export const QUEUE = 'fleet';
/** Machines that run tests stall for seconds. */
export const PATIENT = { timeout: 30_000, interval: 50 };

const program = join(compiled(), 'test/core/fleet/worker.js');

/** A worker of its own process, and what it has told. */
export interface Process {
  readonly pid: number;
  readonly told: (readonly string[])[];
  /** Null as long as it runs. */
  readonly exitCode: number | null;
  kill(): Promise<void>;
  /** Stops it, and lets it go on. */
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void;
}

export async function startWorker(url: string, ...settings: 'traced'[]): Promise<Process> {
  const child = fork(program, [url, QUEUE, ...settings], { stdio: 'inherit' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const told: (readonly string[])[] = [];
  child.on('message', (message) => told.push(message as string[]));
  await expect.poll(() => told.length, PATIENT).toBeGreaterThan(0);
  return {
    pid: child.pid ?? 0,
    told,
    get exitCode() {
      return child.exitCode;
    },
    async kill() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
    signal: (name) => void child.kill(name),
  };
}

export interface Office {
  readonly backend: Backend;
  readonly operator: JobsOperator;
  publish(name: string): Promise<string>;
}

export async function open(url: string, deadline = '30s'): Promise<Office> {
  const { backend, publisher } = await openPublishing(url, QUEUE);
  const operator = new JobsOperator(backend, { deadline });
  return { backend, operator, publish: async (name) => (await publisher.publish(name, null)).id };
}
