import { onTestFinished } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import { JobEvents } from '../../../lib/core/events.js';
import { Handlers } from '../../../lib/core/handlers.js';
import { Publisher } from '../../../lib/core/publisher.js';
import { backendFromUrl } from '../../../lib/nest/backend-url.js';
import { DEFAULTS } from '../workshop.js';

/** What this process publishes by, to workers of other processes. */
export interface Publishing {
  readonly backend: Backend;
  readonly publisher: Publisher;
  readonly events: JobEvents;
}

/** Opened until the test has finished; `queue` takes what nothing else places. */
export async function openPublishing(url: string, queue: string): Promise<Publishing> {
  const backend = await backendFromUrl(url).open({ worker: 'publisher', warn: console.error });
  onTestFinished(() => backend.close());
  return publishingBy(backend, queue);
}

export function publishingBy(backend: Backend, queue: string): Publishing {
  const events = new JobEvents();
  const publisher = new Publisher({
    backend: () => backend,
    clock: systemClock,
    handlers: new Handlers(),
    routes: new Map(),
    defaults: { ...DEFAULTS, queue },
    publishTimeoutMs: 30_000,
    events,
  });
  return { backend, publisher, events };
}
