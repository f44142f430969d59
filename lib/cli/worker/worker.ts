import { hostname } from 'node:os';
import type { Backend } from '../../core/backend.js';
import { Consumer } from '../../core/consumer.js';
import { JobEvents, type JobEventMap, type JobEventName } from '../../core/events.js';
import { Handlers, type Handler } from '../../core/handlers.js';
import { logJobs } from '../../core/job-log.js';
import type { QueuePlan } from '../../core/queue-loop.js';
import type { Reporter } from '../../core/reporter.js';
import { VERSION } from '../../core/version.js';
import { cliPublisher } from '../cli-publisher.js';
import { WORKER } from '../opened-backend.js';
import { killAll } from './process-group.js';
import { Webhook } from './webhook.js';
import type { WorkConfig } from './work-config.js';

/** How long a webhook may hear of the last jobs. */
const LAST_TELLINGS_MS = 5_000;

/** The handlers of a configuration at work on an engine. */
export class Worker {
  readonly events: JobEvents;
  readonly consumer: Consumer;
  readonly plans: readonly QueuePlan[];
  private readonly webhook: Webhook | undefined;

  constructor(
    private readonly config: WorkConfig,
    handlers: readonly Handler[],
    backend: Backend,
    reporter: Reporter,
  ) {
    const { defaults, unknownJobGraceMs, blockedForMs, webhook } = config;
    this.events = new JobEvents((message, error) => reporter.error(`${message}: ${String(error)}`));
    this.plans = queuePlans(config, handlers);
    logJobs(this.events, reporter);
    if (webhook) (this.webhook = new Webhook(webhook, reporter)).listen(this.events);
    const known = new Handlers();
    for (const handler of handlers) known.add(handler);
    this.consumer = new Consumer({
      backend,
      publisher: cliPublisher(backend, { routes: routesOf(config), defaults, handlers: known, events: this.events }),
      handlers,
      queues: this.plans,
      defaults,
      errors: {},
      unknownJobGraceMs,
      blockedForMs,
      events: this.events,
      reporter,
      worker: WORKER,
      fleet: { identity: { host: hostname(), pid: process.pid, version: VERSION, instance: config.file } },
    });
  }

  /** Lets the running jobs finish, as long as the grace lasts. Never rejects. */
  async stop(): Promise<void> {
    await this.consumer.stop(this.config.shutdownGraceMs);
    await this.webhook?.close(LAST_TELLINGS_MS);
    // Of jobs that were given up, whose commands did not heed it.
    killAll();
  }
}

/** Tells of each run that is begun or has come to its end, as it may be printed. */
export function tellRuns(events: JobEvents, tell: (line: Readonly<Record<string, unknown>>) => void): void {
  const listen = <Name extends JobEventName>(name: Name, detail: (event: JobEventMap[Name]) => object): void => {
    events.on(name, (event) => tell({ event: name, at: new Date().toISOString(), ...detail(event) }));
  };
  listen('started', ({ job }) => ({ job }));
  listen('completed', ({ job, result, durationMs }) => ({ job, result, durationMs }));
  listen('retried', ({ job, error, at, durationMs }) => ({ job, error: error.message, retryAt: at, durationMs }));
  listen('blocked', ({ job, error, at, durationMs }) => ({ job, error: error.message, retryAt: at, durationMs }));
  listen('handedBack', ({ job, at, reason }) => ({ job, retryAt: at, reason }));
  listen('failed', ({ job, error, reason, durationMs }) => ({ job, error: error.message, reason, durationMs }));
  listen('expired', ({ job, reason }) => ({ job, reason }));
  listen('leaseLost', ({ job }) => ({ job }));
}

function queuePlans({ queues, defaults }: WorkConfig, handlers: readonly Handler[]): QueuePlan[] {
  const places = new Map(handlers.map((one) => [one.name, one.concurrency ?? defaults.concurrency]));
  return queues.map(({ name, handlers: names, settings }) => ({
    name,
    concurrency: settings.concurrency ?? names.reduce((sum, handler) => sum + (places.get(handler) ?? 0), 0),
    rawJob: settings.rawJob,
    rate: settings.rate,
    maxAgeMs: settings.limits?.maxAgeMs,
  }));
}

/** The queue of each handler that one alone serves: where jobs go on that are forwarded to it. */
function routesOf({ queues }: WorkConfig): ReadonlyMap<string, string> {
  const routes = new Map<string, string>();
  for (const { name, handlers } of queues.toReversed()) for (const handler of handlers) routes.set(handler, name);
  return routes;
}
