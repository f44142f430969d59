import { Session, type Debugger } from 'node:inspector';
import { pause, systemClock } from './clock.js';
import { readRecord } from './fleet-change.js';
import type { WorkerRecord } from './fleet-workers.js';

/** What another thread has seen of the main one. */
export interface MainSeen {
  /** What runs, the innermost call first. */
  readonly stack: string;
  /** What the process would say of itself; undefined where it could not be asked. */
  readonly worker: WorkerRecord | undefined;
}

/** How many calls are told. */
const MOST_CALLS = 30;
const LOOK_MS = 50;

/** Where the main thread has the function that gives, as JSON, what it would say of itself. */
export function askedName(id: string): symbol {
  return Symbol.for(`nestjs-jobs:worker:${id}`);
}

/**
 * Looks at the main thread, which it has pause for a moment, as soon as it is in JavaScript.
 *
 * @param id of the process among the workers
 * @param lasts whether it is still blocked; undefined is given where that ends first
 */
export async function lookAtMain(id: string, lasts: () => boolean): Promise<MainSeen | undefined> {
  const session = new Session();
  session.connectToMainThread();
  try {
    const paused = pausedIn(session);
    session.post('Debugger.enable');
    session.post('Debugger.pause');
    let stack: string | undefined;
    const waiting = paused.then((text) => (stack = text));
    while (stack === undefined && lasts()) await Promise.race([waiting, pause(systemClock, LOOK_MS)]);
    return stack === undefined ? undefined : { stack, worker: await askedIn(session, id) };
  } finally {
    // Ends the pause, too.
    session.disconnect();
  }
}

/** The stack, once it has paused. */
function pausedIn(session: Session): Promise<string> {
  const urls = new Map<string, string>();
  session.on('Debugger.scriptParsed', ({ params }) => urls.set(params.scriptId, params.url));
  return new Promise((resolve) => {
    session.on('Debugger.paused', ({ params }) => {
      const calls = params.callFrames.slice(0, MOST_CALLS);
      resolve(calls.map((frame) => lineOf(frame, urls)).join('\n'));
    });
  });
}

/** What a paused process says of itself, which runs nothing else meanwhile. */
function askedIn(session: Session, id: string): Promise<WorkerRecord | undefined> {
  const { description } = askedName(id);
  const expression = `globalThis[Symbol.for(${JSON.stringify(description)})]()`;
  return new Promise((resolve) => {
    session.post('Runtime.evaluate', { expression, returnByValue: true, silent: true }, (error, answer) => {
      const text: unknown = error ? undefined : answer.result.value;
      resolve(typeof text === 'string' ? readRecord<WorkerRecord>(text) : undefined);
    });
  });
}

function lineOf({ functionName, url, location }: Debugger.CallFrame, urls: ReadonlyMap<string, string>): string {
  const file = url || urls.get(location.scriptId) || '(unknown)';
  return `at ${functionName || '(anonymous)'} (${file}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1})`;
}
