import type { Handler } from '../core/handlers.js';
import type { QueuePlan } from '../core/queue-loop.js';
import type { JobsSettings } from './jobs.settings.js';

type Settings = Pick<JobsSettings, 'consume' | 'queues' | 'routes' | 'defaults'>;

/** The queue that a handler's jobs are published to. */
export function queueOf(handler: Handler, { routes, defaults }: Settings): string {
  return handler.queue ?? routes.get(handler.name) ?? defaults.queue;
}

/** The queues that this process reads, and how. */
export function queuePlans(handlers: readonly Handler[], settings: Settings): QueuePlan[] {
  const { consume, queues, defaults } = settings;
  if (consume === false) return [];
  const concurrencies = new Map<string, number>();
  for (const handler of handlers) {
    const queue = queueOf(handler, settings);
    concurrencies.set(queue, (concurrencies.get(queue) ?? 0) + (handler.concurrency ?? defaults.concurrency));
  }
  const names = consume === true ? new Set([...concurrencies.keys(), ...queues.keys()]) : consume;
  return [...names].map((name) => ({
    name,
    concurrency: queues.get(name)?.concurrency ?? concurrencies.get(name) ?? defaults.concurrency,
    rawJob: queues.get(name)?.rawJob,
  }));
}
