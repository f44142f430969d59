import { setTimeout } from 'node:timers/promises';
import { Crew } from '../../../lib/conformance/stage/crew.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import { systemClock } from '../../../lib/core/clock.js';
import { backendFromUrl } from '../../../lib/nest/backend-url.js';

const [url = '', queue = ''] = process.argv.slice(2);

const backend = await backendFromUrl(url).open({
  worker: `worker-${process.pid}`,
  queues: [queue],
  warn: console.error,
});
new Crew(
  {
    handlers: {
      double: async (payload, job) => {
        job.progress('begun');
        await setTimeout(Math.random() * 20);
        job.log(`doubled ${String(payload)}`);
        return Number(payload) * 2;
      },
    },
    // A worker that dies takes up to so many attempts at once.
    defaults: { attempts: 100 },
    concurrency: 20,
  },
  backend,
  queue,
  new Time(systemClock, undefined, 60_000, 1_000),
  50,
);
process.send?.('ready');
