import { spawnSync } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { Crew } from '../../../lib/conformance/stage/crew.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import { systemClock } from '../../../lib/core/clock.js';
import { LazyWatchdog } from '../../../lib/core/lazy-watchdog.js';
import { backendFromUrl } from '../../../lib/nest/backend-url.js';

/**
 * Handles jobs `quick`, jobs `refuse` that fail at each attempt, jobs `long` that run until they are aborted, and such as
 * block its event loop; tells its parent of each. Says often what it does, and is soon forgotten when it dies. It may be
 * `traced`.
 */
const [url = '', queue = '', traced] = process.argv.slice(2);

const nobodyWrites = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the event loop, in JavaScript, and leaves the machine to other tests. */
function spinFor(ms: number): void {
  for (const end = Date.now() + ms; Date.now() < end;) Atomics.wait(nobodyWrites, 0, 0, 10);
}

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
      spinForEver: (_, job) => {
        process.send?.(['spins', job.id]);
        for (;;) spinFor(1_000);
      },
      spinForAWhile: (_, job) => {
        // Its lease is over by then.
        if (job.attempt > 1) return;
        process.send?.(['spins', job.id]);
        spinFor(6_000);
        process.send?.(['has spun', job.id]);
      },
      waitOutside: () => {
        spawnSync(process.execPath, ['-e', `setInterval(() => process.kill(${process.pid}, 0), 100)`]);
      },
    },
    defaults: { attempts: 100 },
    fleet: {
      identity: {
        host: 'here',
        pid: process.pid,
        version: '1.2.3',
        instance: 'default',
        watchdog: traced ? new LazyWatchdog(console.error) : undefined,
      },
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
