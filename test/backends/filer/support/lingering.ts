import type { Backend } from '../../../../lib/core/backend.js';
import { Consumer } from '../../../../lib/core/consumer.js';
import { JobEvents, type JobEventName } from '../../../../lib/core/events.js';
import type { Job } from '../../../../lib/core/job.js';

const ENDINGS: readonly JobEventName[] = [
  'completed',
  'retried',
  'blocked',
  'handedBack',
  'failed',
  'expired',
  'leaseLost',
];
const BACKOFF = { kind: 'fixed', base: 20, factor: 1, max: 20, jitter: 0 } as const;
const NOTHING_SET = {
  queue: undefined,
  concurrency: undefined,
  attempts: undefined,
  backoff: undefined,
  timeoutMs: undefined,
  priority: undefined,
} as const;

/** One thing that a worker tells of a job: the name of an event, or that its handler heard of the abort, and why. */
export interface Happening {
  readonly what: JobEventName | 'aborted';
  readonly id: string;
  /** Of an abort: the name of its error. */
  readonly why?: string;
}

/** Handles the jobs of the queue `jobs`, each until its signal aborts, and writes down what becomes of them. */
export function work(backend: Backend, concurrency: number, story: Happening[]): void {
  const events = new JobEvents();
  events.on('started', ({ job }) => void story.push({ what: 'started', id: job.id }));
  for (const what of ENDINGS) {
    events.on(what, (event) => void story.push({ what, id: (event as { job: { id: string } }).job.id }));
  }
  const handle = async (_: unknown, { id, signal }: Job): Promise<void> => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    story.push({ what: 'aborted', id, why: (signal.reason as Error).name });
  };
  new Consumer({
    backend,
    handlers: [{ ...NOTHING_SET, name: 'job', origin: 'job', handle: (payload, job) => handle(payload, job) }],
    queues: [{ name: 'jobs', concurrency, rawJob: undefined }],
    defaults: { ...NOTHING_SET, queue: 'jobs', priority: 1024, attempts: 3, backoff: BACKOFF, concurrency },
    errors: {},
    unknownJobGraceMs: 300_000,
    blockedForMs: 300_000,
    events,
    reporter: { log: () => undefined, warn: () => undefined, error: () => undefined },
    worker: 'lingering',
  }).start();
}
