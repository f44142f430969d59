import { newConsumer, open } from '../../../bench/core-setup.js';
import { bullmq } from '../../../lib/backends/bullmq/index.js';
import type { Delivery } from '../../../lib/core/backend.js';
import { JobEvents } from '../../../lib/core/events.js';

/** Handles jobs until their signals abort, then reports what its outcomes came to; to be stopped meanwhile. */

/** What it is told, as the JSON text of its first argument. */
export interface StoppedTask {
  readonly url: string;
  readonly prefix: string;
  readonly queue: string;
  readonly leaseMs: number;
  readonly jobs: number;
}

/** What it tells: that all jobs have started; then, when all their leases are lost, what it found. */
export type StoppedReport =
  | 'started'
  | {
      /** Why each signal was aborted. */
      readonly reasons: readonly string[];
      /** How many outcomes the engine is said to have taken. */
      readonly taken: number;
      /** What the engine said to each outcome that was sent all the same. */
      readonly accepted: readonly boolean[];
    };

const { url, prefix, queue, leaseMs, jobs } = JSON.parse(process.argv[2] ?? '') as StoppedTask;
const tell = (report: StoppedReport): void => void process.send?.(report);
const backend = await open(bullmq({ connection: url, prefix, lease: leaseMs }), [queue]);

const held: Delivery[] = [];
const reserve = backend.reserve.bind(backend);
backend.reserve = async (...rest) => {
  const deliveries = await reserve(...rest);
  held.push(...deliveries);
  return deliveries;
};

const reasons: string[] = [];
let [started, lost, taken] = [0, 0, 0];
const events = new JobEvents();
events.on('completed', () => void (taken += 1));
events.on('leaseLost', () => {
  lost += 1;
  if (lost === jobs) void report();
});

async function report(): Promise<void> {
  const accepted = await Promise.all(held.map((delivery) => backend.settle(delivery, { kind: 'completed' })));
  tell({ reasons, taken, accepted });
}

newConsumer(backend, {
  queues: [queue],
  concurrency: jobs,
  events,
  handle: (_, { signal }) =>
    new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        reasons.push((signal.reason as Error).name);
        resolve();
      });
      started += 1;
      if (started === jobs) tell('started');
    }),
}).start();
