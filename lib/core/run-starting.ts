import type { ConsumerContext } from './consumer-context.js';
import type { LazyAbort } from './lazy-abort.js';
import type { Leased } from './lease-keeper.js';
import type { Ending } from './outcome.js';
import type { MiddlewareRun, RunMiddleware } from './run-middleware.js';

/** A run as far as its middleware is concerned. */
export interface MiddlewareHost extends MiddlewareRun, Leased {
  readonly middleware: readonly RunMiddleware[];
}

/**
 * Asks the middleware of a run whether its handler is to be called, again and again while the engine fails, until the
 * lease is over or `waiting` aborts. Undefined: it is.
 */
export async function start(
  run: MiddlewareHost,
  waiting: LazyAbort,
  { leases, outage }: ConsumerContext,
): Promise<Ending | undefined> {
  for (let failures = 0; !leases.lapsed(run) && !waiting.aborted; failures++) {
    try {
      const ending = await firstEnding(run);
      outage.passed(run);
      return ending;
    } catch (error) {
      outage.failed(run, error);
      await outage.wait(failures, waiting.signal);
    }
  }
  outage.gaveUp(run);
  return undefined;
}

async function firstEnding(run: MiddlewareHost): Promise<Ending | undefined> {
  for (const each of run.middleware) {
    const ending = await each.starting?.(run);
    if (ending) return ending;
  }
  return undefined;
}
