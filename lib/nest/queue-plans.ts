import type { Handler } from '../core/handlers.js';
import type { QueuePlan } from '../core/queue-loop.js';
import { show } from '../core/show.js';
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
    rate: queues.get(name)?.rate,
    maxAgeMs: queues.get(name)?.limits?.maxAgeMs,
  }));
}

/**
 * The queues that a drain reads: those of `wanted`, else those that this process reads or, where it only publishes, those
 * that it would.
 *
 * @throws Error naming the queue that is none of this process, and those that are
 */
export function drainPlans(
  handlers: readonly Handler[],
  settings: Settings,
  wanted: readonly string[] | undefined,
): QueuePlan[] {
  const all = queuePlans(handlers, { ...settings, consume: true }).map((plan) => plan.name);
  const listed = typeof settings.consume === 'boolean' ? all : [...settings.consume];
  const known = new Set([...all, ...listed]);
  const unknown = wanted?.find((name) => !known.has(name));
  if (unknown !== undefined || known.size === 0) {
    const got = unknown === undefined ? '' : `, got the unknown queue ${show(unknown)}`;
    throw new Error(
      `drain: expected a queue of this process (${[...known].join(', ') || 'there is none'})${got}. ` +
        "A process has its handlers' queues, and those that its options queues and consume name.",
    );
  }
  return queuePlans(handlers, { ...settings, consume: new Set(wanted ?? listed) });
}
