import type { Backend } from '../core/backend.js';
import { systemClock } from '../core/clock.js';
import { durationMs } from '../core/duration.js';
import { JobEvents } from '../core/events.js';
import { Handlers, type JobDefaults } from '../core/handlers.js';
import { jobDefaults } from '../core/job-defaults.js';
import { Publisher } from '../core/publisher.js';

/** Where what is published goes that names no queue. */
export interface PublisherRules {
  readonly routes: ReadonlyMap<string, string>;
  readonly defaults?: JobDefaults;
  readonly handlers?: Handlers;
  readonly events?: JobEvents;
}

/** How long an engine may take to accept jobs; a person waits, or a script, and no request. */
const PUBLISH_TIMEOUT = '30s';

/** A publisher as an application has it. */
export function cliPublisher(backend: Backend, { routes, defaults, handlers, events }: PublisherRules): Publisher {
  return new Publisher({
    backend: () => backend,
    clock: backend.clock ?? systemClock,
    handlers: handlers ?? new Handlers(),
    routes,
    defaults: defaults ?? jobDefaults({}),
    publishTimeoutMs: durationMs(PUBLISH_TIMEOUT, 'publishTimeout'),
    events: events ?? new JobEvents(),
  });
}
