import { filer, type FilerOptions } from '../lib/backends/filer/index.js';
import { backendFromUrl } from '../lib/nest/backend-url.js';
import type { Backend, BackendDescription } from '../lib/core/backend.js';
import { systemClock } from '../lib/core/clock.js';
import { Consumer } from '../lib/core/consumer.js';
import { DEFAULT_BACKOFF } from '../lib/core/backoff.js';
import { JobEvents } from '../lib/core/events.js';
import { Handlers, type Handler, type JobDefaults } from '../lib/core/handlers.js';
import type { Job } from '../lib/core/job.js';
import { DEFAULT_PRIORITY } from '../lib/core/message.js';
import type { NamedRequest } from '../lib/core/job-types.js';
import { Publisher } from '../lib/core/publisher.js';
import type { Reporter } from '../lib/core/reporter.js';
import type { Telemetry } from '../lib/core/telemetry.js';

export const QUEUE = 'default';
export const JOB = 'send_email';

const DEFAULTS: JobDefaults = {
  queue: QUEUE,
  priority: DEFAULT_PRIORITY,
  attempts: 20,
  backoff: DEFAULT_BACKOFF,
  timeoutMs: undefined,
  concurrency: 10,
};

export interface HandlerSetup {
  /** Default: `JOB`. */
  readonly name?: string;
  /** The queues that are read for it. Default: `QUEUE`. */
  readonly queues?: readonly string[];
  /** At most so many at a time. */
  readonly concurrency: number;
  /** Hears what becomes of the jobs. */
  readonly events?: JobEvents;
  /** Default: none. */
  readonly telemetry?: Telemetry;
  /** Default: what is wrong goes to the console. */
  readonly reporter?: Reporter;
  handle(payload: unknown, job: Job): unknown;
}

export function openFiler(options: FilerOptions): Promise<Backend> {
  return open(filer(options));
}

export function openByUrl(url: string): Promise<Backend> {
  return open(backendFromUrl(url));
}

export function open(description: BackendDescription, queues: readonly string[] = [QUEUE]): Promise<Backend> {
  return description.open({ worker: `bench:${process.pid}`, queues, warn: console.error });
}

/** Of a filer that doesn't sync. */
export function filerUrl(directory: string): string {
  return `filer:${encodeURI(directory)}?durable=false`;
}

/** A publisher as the module makes one, without Nest. */
export function newPublisher(backend: Backend): Publisher {
  return new Publisher({
    backend: () => backend,
    clock: backend.clock ?? systemClock,
    handlers: new Handlers(),
    routes: new Map(),
    defaults: DEFAULTS,
    // No measure of speed, and a disk may be busy with others.
    publishTimeoutMs: 60_000,
    events: new JobEvents(),
  });
}

/** A consumer as the module makes one, without Nest; it is not started yet. */
export function newConsumer(backend: Backend, setup: HandlerSetup): Consumer {
  const { name = JOB, queues = [QUEUE], concurrency } = setup;
  const handler: Handler = {
    name,
    queue: queues[0],
    concurrency,
    attempts: undefined,
    backoff: undefined,
    timeoutMs: undefined,
    priority: undefined,
    origin: 'bench',
    handle: (payload, job) => setup.handle(payload, job),
  };
  return new Consumer({
    backend,
    handlers: [handler],
    queues: queues.map((queue) => ({ name: queue, concurrency, rawJob: undefined })),
    defaults: DEFAULTS,
    errors: {},
    unknownJobGraceMs: 300_000,
    blockedForMs: 7 * 24 * 3_600_000,
    events: setup.events ?? new JobEvents(),
    reporter: setup.reporter ?? { log: () => undefined, warn: console.error, error: console.error },
    worker: `bench:${process.pid}`,
    telemetry: setup.telemetry,
  });
}

/** The n-th job of a row; its message has about 250 bytes. */
export function request(n: number): NamedRequest {
  return { name: JOB, payload: { to: `customer-${n}@example.org`, subject: 'Thanks for your order', order: n } };
}

export function requests(count: number): NamedRequest[] {
  return Array.from({ length: count }, (_, n) => request(n));
}
