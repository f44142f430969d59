import { writeSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { BlockTelling } from './block-telling.js';
import { pause, systemClock } from './clock.js';
import type { BlockedRecord } from './fleet-workers.js';
import { lookAtMain, type MainSeen } from './main-look.js';
import type { RecordsElsewhere } from './records-elsewhere.js';

/**
 * The thread of the watchdog. It looks for signs of life of the main thread; where none comes, it takes the stack of what
 * runs there. As long as that goes on, it tells others through the engine; once there are signs again, it tells the main
 * thread how long that took, which says it from then on.
 */
export interface WatchdogData {
  /** Changes with each sign of life. */
  readonly sign: Int32Array;
  /** How long without one counts as blocked. */
  readonly blockedMs: number;
  /** Of the process among the workers. */
  readonly id: string;
  /** For how long what is said of it is known, in milliseconds. */
  readonly knownMs: number;
  /** Where it is told as long as it is blocked; default: nowhere. */
  readonly elsewhere: RecordsElsewhere | undefined;
}

/** What it says to the main thread: that it watches, or what it has seen. */
export type WatchdogMessage = 'watching' | BlockedRecord;

/** After how long others are told: what is over sooner, the main thread tells as well. */
const TOLD_MS = 2_000;
/** After how long it is said on stderr, too. */
const SAID_MS = 10_000;
const LOOK_MS = 100;

const { sign, blockedMs, elsewhere, id, knownMs } = workerData as WatchdogData;
const port = parentPort as MessagePort;
const telling = elsewhere && new BlockTelling({ elsewhere, id, knownMs });
const closing = new AbortController();
// Any message: there is but one.
port.once('message', () => {
  closing.abort();
  port.close();
});
port.postMessage('watching' satisfies WatchdogMessage);
await watch();
await telling?.end();

async function watch(): Promise<void> {
  let last = Atomics.load(sign, 0);
  let at = Date.now();
  // Looks, and not the time between them: where the whole process was stopped, nothing was blocked.
  for (let looks = 0; !closing.signal.aborted; looks++) {
    if (looks * LOOK_MS >= blockedMs) await watchBlock(last, at);
    if (Atomics.load(sign, 0) !== last) {
      last = Atomics.load(sign, 0);
      at = Date.now();
      looks = 0;
    }
    await pause(systemClock, LOOK_MS, closing.signal);
  }
}

/** @param at when the last sign came, in milliseconds since 1970 */
async function watchBlock(last: number, at: number): Promise<void> {
  const lasts = (): boolean => Atomics.load(sign, 0) === last;
  let seen: MainSeen | undefined;
  const looking = lookAtMain(id, lasts).then(
    (what) => (seen = what),
    // That it is blocked is known all the same.
    () => undefined,
  );
  for (let said = false; lasts(); await pause(systemClock, LOOK_MS)) {
    const block = { at, ms: Date.now() - at, stack: seen?.stack ?? '', lasts: true };
    if (block.ms >= TOLD_MS) telling?.tell({ block, worker: seen?.worker, lasts });
    if (said || block.ms < SAID_MS) continue;
    said = true;
    const what = `the event loop of process ${process.pid} is blocked for ${block.ms} ms`;
    writeSync(2, `nestjs-jobs: ${what}\n${block.stack || 'It waits outside of JavaScript'}\n`);
  }
  const ms = Date.now() - at;
  const stack = (await looking)?.stack ?? '';
  // A short one of which nobody knows what ran may be the machine's.
  if (stack !== '' || ms >= TOLD_MS) port.postMessage({ at, ms, stack } satisfies WatchdogMessage);
  // Meanwhile, it may be blocked again.
  void telling?.end();
}
