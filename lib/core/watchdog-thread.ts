import { writeSync } from 'node:fs';
import { Session, type Debugger } from 'node:inspector';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

/**
 * The thread of the watchdog. It waits for signs of life of the main thread; where none comes, it has that pause for a
 * moment, takes its stack, and lets it go on. Once there are signs again, it tells how long that took.
 */
export interface WatchdogData {
  /** Changes with each sign of life. */
  readonly sign: Int32Array;
  /** How long without one counts as blocked. */
  readonly blockedMs: number;
}

/** A time at which the event loop was blocked. */
export interface BlockSeen {
  /** When its last sign came, in milliseconds since 1970. */
  readonly at: number;
  readonly ms: number;
  /** The innermost call first. */
  readonly stack: string;
}

/** How many calls are told. */
const MOST_CALLS = 30;
/** After how long it is said on stderr, too: who never comes back tells nobody. */
const SAID_MS = 10_000;
const LOOK_MS = 50;

const { sign, blockedMs } = workerData as WatchdogData;
const port = parentPort as MessagePort;

for (let last = Atomics.load(sign, 0), at = Date.now(); ;) {
  Atomics.wait(sign, 0, last, blockedMs);
  if (Atomics.load(sign, 0) === last) {
    const stack = await stackOfMain(last);
    let said = false;
    while (Atomics.load(sign, 0) === last) {
      Atomics.wait(sign, 0, last, blockedMs);
      if (said || Date.now() - at < SAID_MS) continue;
      said = true;
      writeSync(
        2,
        `nestjs-jobs: the event loop of process ${process.pid} is blocked for ${Date.now() - at} ms\n${stack}\n`,
      );
    }
    const seen: BlockSeen = { at, ms: Date.now() - at, stack };
    if (stack !== '') port.postMessage(seen);
  }
  last = Atomics.load(sign, 0);
  at = Date.now();
}

/** Taken as soon as it is in JavaScript; empty where a sign comes first. */
async function stackOfMain(last: number): Promise<string> {
  const session = new Session();
  session.connectToMainThread();
  const urls = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  try {
    return await new Promise<string>((resolve) => {
      const looking = setInterval(() => {
        if (Atomics.load(sign, 0) === last) return;
        clearInterval(looking);
        resolve('');
      }, LOOK_MS);
      session.on('Debugger.paused', ({ params }) => {
        clearInterval(looking);
        resolve(
          params.callFrames
            .slice(0, MOST_CALLS)
            .map((frame) => lineOf(frame, urls))
            .join('\n'),
        );
      });
      session.post('Debugger.enable');
      session.post('Debugger.pause');
    });
  } finally {
    // Ends the pause, too.
    session.disconnect();
  }
}

function lineOf({ functionName, url, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const file = url || urls.get(location.scriptId) || '(unknown)';
  return `at ${functionName || '(anonymous)'} (${file}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`;
}
