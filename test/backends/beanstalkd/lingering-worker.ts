import { beanstalkd } from '../../../lib/backends/beanstalkd/index.js';
import { Crew } from '../../../lib/conformance/stage/crew.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import { systemClock } from '../../../lib/core/clock.js';
import type { Job } from '../../../lib/core/job.js';

/** A process that takes some jobs of the queue `mail` and handles each until its signal aborts, or for so long. */
export interface LingeringTask {
  readonly host: string;
  readonly port: number;
  readonly leaseMs: number;
  readonly jobs: number;
  readonly handleMs: number;
}

/** What it tells: that it handles all its jobs, and what became of them. */
export type LingeringReport =
  'handling' | { readonly aborts: readonly string[]; readonly leasesLost: number; readonly completed: number };

const { host, port, leaseMs, jobs, handleMs } = JSON.parse(process.argv[2] ?? '') as LingeringTask;
const backend = await beanstalkd({ host, port, lease: leaseMs }).open({ worker: 'lingering', warn: () => undefined });
const time = new Time(systemClock, undefined, 60_000, 100);
const aborts: string[] = [];
const handlers = { job: { handle, concurrency: jobs } };
const crew = new Crew({ handlers, concurrency: jobs }, backend, 'mail', time, 1_000);

async function handle(_payload: unknown, { signal }: Job): Promise<void> {
  signal.addEventListener('abort', () => aborts.push((signal.reason as Error).name));
  if (crew.calls.length === jobs) void end();
  await new Promise((resolve) => setTimeout(resolve, handleMs));
}

/** Takes no more, and tells when all have ended. */
async function end(): Promise<void> {
  process.send?.('handling' satisfies LingeringReport);
  await crew.stop(60_000);
  const report: LingeringReport = {
    aborts,
    leasesLost: crew.told('leaseLost').length,
    completed: crew.told('completed').length,
  };
  process.send?.(report);
  await backend.close();
  process.disconnect();
}
