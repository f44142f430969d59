import { answering } from './answering.js';
import type { Backend } from './backend.js';
import { systemClock } from './clock.js';
import type { Handler } from './handlers.js';
import type { ReceivedMessage } from './message.js';
import type { RunMiddleware } from './run-middleware.js';
import { TickRuns } from './tick-runs.js';
import { UniqueRuns } from './unique-runs.js';

const NONE: readonly RunMiddleware[] = [];

/** Gives the middleware that concerns a job; most jobs share one empty list. */
export function concerned(
  all: readonly RunMiddleware[],
): (message: ReceivedMessage, handler: Handler | undefined) => readonly RunMiddleware[] {
  return (message, handler) => {
    let those: RunMiddleware[] | undefined;
    for (const each of all) if (each.concerns(message, handler)) (those ??= []).push(each);
    return those ?? NONE;
  };
}

/** What may go along with the jobs of a consumer; the answer comes last, for what the others make of an outcome is answered. */
export function middlewareOf(backend: Backend): readonly RunMiddleware[] {
  const { records, clock = systemClock } = backend;
  return records ? [new UniqueRuns(records, clock), new TickRuns(records), answering(records, backend)] : [];
}
