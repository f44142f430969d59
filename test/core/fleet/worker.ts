import { setTimeout } from 'node:timers/promises';
import { Crew } from '../../../lib/conformance/stage/crew.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import { systemClock } from '../../../lib/core/clock.js';
import { backendFromUrl } from '../../../lib/nest/backend-url.js';

/**
 * Handles jobs `quick`, jobs `refuse` that fail at each attempt, and jobs `long` that run until they are aborted; tells its parent of each. Says often what it does,
 * and is soon forgotten when it dies.
 */
const [url = '', queue = ''] = process.argv.slice(2);

const backend = await backendFromUrl(url).open({
  worker: `worker-${process.pid}`,
  queues: [queue],
  warn: console.error,
});
const crew = new Crew(
  {
    handlers: {
      quick: (_, job) => void process.send?.(['quick', job.id]),
      refuse: () => {
        throw new RangeError(`refused by ${process.pid}`);
      },
      long: async (_, job) => {
        job.log('still at it');
        process.send?.(['started', job.id]);
        await setTimeout(120_000, undefined, { signal: job.signal }).catch(() => undefined);
        process.send?.(['aborted', job.id, (job.signal.reason as Error).name]);
      },
    },
    defaults: { attempts: 100 },
    fleet: {
      identity: { host: 'here', pid: process.pid, version: '1.2.3', instance: 'default' },
      heartbeat: { everyMs: 300, knownMs: 5_000 },
      countEveryMs: 200,
    },
  },
  backend,
  queue,
  new Time(systemClock, undefined, 60_000, 1_000),
  50,
);
// Ends as an application does: what it has told last is heard.
process.on('SIGTERM', () => {
  void crew
    .stop()
    .then(() => backend.close())
    .then(() => process.disconnect());
});
process.send?.(['ready']);
