import { appendFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { systemClock } from '../../../lib/core/clock.js';
import { Consumer } from '../../../lib/core/consumer.js';
import { JobEvents } from '../../../lib/core/events.js';
import { Handlers, type Handler } from '../../../lib/core/handlers.js';
import { Publisher } from '../../../lib/core/publisher.js';
import { checkedSchedule } from '../../../lib/core/schedule.js';
import { Scheduler } from '../../../lib/core/scheduler.js';
import { backendFromUrl } from '../../../lib/nest/backend-url.js';

/**
 * Handles a chain of three jobs, and a job that recurs each second where `recurs` says so. Each run is a line of the
 * journal: the job's name, its id, which attempt it was, and the process.
 */
const [url = '', journal = '', recurs = ''] = process.argv.slice(2);
const QUEUES = ['first', 'second', 'third', 'tick'];

const backend = await backendFromUrl(url).open({
  worker: `worker-${process.pid}`,
  queues: QUEUES,
  warn: console.error,
});
const handlers = new Handlers();
for (const [index, name] of QUEUES.entries()) {
  const handler: Handler = {
    name,
    origin: name,
    queue: name,
    concurrency: 10,
    attempts: 100,
    backoff: undefined,
    timeoutMs: undefined,
    priority: undefined,
    forwardTo: index < 2 ? QUEUES[index + 1] : undefined,
    async handle(payload, job) {
      await setTimeout(Math.random() * 10);
      appendFileSync(journal, `${name} ${job.id} ${job.attempt} ${process.pid}\n`);
      return payload;
    },
  };
  handlers.add(handler);
}
const defaults = {
  queue: 'first',
  priority: 1024,
  attempts: 100,
  backoff: { kind: 'fixed', base: 100, factor: 1, max: 100, jitter: 0 },
  timeoutMs: undefined,
  concurrency: 10,
} as const;
const events = new JobEvents();
const reporter = { log: () => undefined, warn: () => undefined, error: console.error };
const publisher = new Publisher({
  backend: () => backend,
  clock: systemClock,
  handlers,
  routes: new Map(),
  defaults,
  publishTimeoutMs: 5_000,
  events,
});
new Consumer({
  backend,
  publisher,
  handlers: handlers.all(),
  queues: QUEUES.map((name) => ({ name, concurrency: 10, rawJob: undefined })),
  defaults,
  errors: {},
  unknownJobGraceMs: 60_000,
  blockedForMs: 60_000,
  events,
  reporter,
  worker: `worker-${process.pid}`,
}).start();
if (recurs) {
  const scheduler = new Scheduler({
    backend: () => Promise.resolve(backend),
    publish: (job, payload, options) => publisher.publishTick(job, payload, options),
    clock: systemClock,
    reporter,
  });
  scheduler.add(checkedSchedule('* * * * * *', 'tick', null, {}));
}
process.send?.('ready');
