import { onTestFinished } from 'vitest';
import type { Backend } from '../../../../lib/core/backend.js';
import { Consumer } from '../../../../lib/core/consumer.js';
import { JOB_EVENT_NAMES, JobEvents, type JobEventMap, type JobEventName } from '../../../../lib/core/events.js';
import { Handlers } from '../../../../lib/core/handlers.js';
import type { Job } from '../../../../lib/core/job.js';
import { Publisher } from '../../../../lib/core/publisher.js';
import { systemClock } from '../../../../lib/core/clock.js';
import { until } from './until.js';

type Handle = (payload: unknown, job: Job) => unknown;

const BACKOFF = { kind: 'fixed', base: 20, factor: 1, max: 20, jitter: 0 } as const;
const DEFAULTS = {
  queue: 'jobs',
  priority: 1024,
  attempts: 3,
  backoff: BACKOFF,
  timeoutMs: undefined,
  concurrency: 10,
};
/** The core's consumer at work on the queue `jobs`, and all that it tells. */
export class Shift {
  readonly calls: Job[] = [];
  /** What an operator would have read. */
  readonly said: string[] = [];
  private readonly events = new JobEvents();
  private readonly log: { readonly name: JobEventName; readonly event: JobEventMap[JobEventName] }[] = [];
  private readonly consumer: Consumer;

  constructor(backend: Backend, handlers: Readonly<Record<string, Handle>>, rawJob?: string) {
    for (const name of JOB_EVENT_NAMES) this.events.on(name, (event) => void this.log.push({ name, event }));
    const say = (message: string): void => void this.said.push(message);
    this.consumer = new Consumer({
      backend,
      handlers: Object.entries(handlers).map(([name, handle]) => ({
        name,
        queue: undefined,
        concurrency: undefined,
        attempts: undefined,
        backoff: undefined,
        timeoutMs: undefined,
        priority: undefined,
        origin: name,
        handle: (payload, job) => {
          this.calls.push(job);
          return handle(payload, job);
        },
      })),
      queues: [{ name: 'jobs', concurrency: 10, rawJob }],
      defaults: DEFAULTS,
      errors: {},
      unknownJobGraceMs: 300_000,
      blockedForMs: 300_000,
      events: this.events,
      reporter: { log: say, warn: say, error: say },
      worker: 'a worker',
    });
    this.consumer.start();
    onTestFinished(() => this.stop());
  }

  /** What was told of one event, in order. */
  told<Name extends JobEventName>(name: Name): JobEventMap[Name][] {
    return this.log.filter((entry) => entry.name === name).map(({ event }) => event as JobEventMap[Name]);
  }

  /** Waits until an event has come so often; gives the last. */
  async hears<Name extends JobEventName>(name: Name, times = 1): Promise<JobEventMap[Name]> {
    await until(`event "${name}" ${times} times`, () => this.told(name).length >= times);
    return this.told(name).at(-1) as JobEventMap[Name];
  }

  stop(): Promise<void> {
    return this.consumer.stop(0);
  }
}

/** The core's publisher on a backend. */
export function publisherOn(backend: Backend): Publisher {
  return new Publisher({
    backend: () => backend,
    clock: systemClock,
    handlers: new Handlers(),
    routes: new Map(),
    defaults: DEFAULTS,
    publishTimeoutMs: 10_000,
    events: new JobEvents(),
  });
}
