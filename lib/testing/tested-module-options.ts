import type { BackendDescription } from '../core/backend.js';
import type { JobsModuleOptions, QueueOptions } from '../nest/jobs.options.js';
import type { JobsTestingMode } from './jobs-testing.options.js';

/** A handler may run longer within `publish` than an engine may take to answer. */
const INLINE_PUBLISH = '1 day';
/** How long handlers that a test has left running may keep its application from closing. */
const GRACE_MS = 1_000;

/**
 * The options of an application as its tests need them: nothing is taken but when a test says so, and then from all
 * queues that the application would read.
 */
export function testedOptions(
  given: Partial<JobsModuleOptions>,
  backend: BackendDescription,
  mode: JobsTestingMode,
): JobsModuleOptions {
  const { consume } = given;
  const listed: Record<string, QueueOptions> = Array.isArray(consume)
    ? Object.fromEntries((consume as readonly string[]).map((queue) => [queue, {}]))
    : {};
  return {
    ...given,
    backend,
    consume: false,
    queues: { ...listed, ...given.queues },
    shutdownGrace: GRACE_MS,
    ...(mode === 'inline' ? { publishTimeout: INLINE_PUBLISH } : {}),
  };
}
