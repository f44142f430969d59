import { checkedObject } from '../core/checked-object.js';
import { show } from '../core/show.js';

/**
 * What becomes of the jobs that an application under test publishes:
 *
 * - `'memory'`: they are kept in memory until `drain()` or `advance()` runs them;
 * - `'inline'`: each runs at once, within `publish`; delayed ones and retries wait for `advance()`;
 * - `'fake'`: they are only kept, to be looked at; nothing runs but by `run()`.
 */
export type JobsTestingMode = 'memory' | 'inline' | 'fake';

/** What `JobsTestingModule.forRoot` takes. */
export interface JobsTestingOptions {
  /** Default `'memory'`. */
  readonly mode?: JobsTestingMode;
}

const MODES: readonly unknown[] = ['memory', 'inline', 'fake'];

/** @throws TypeError naming the option, what was expected and what was given */
export function testingMode(options: unknown): JobsTestingMode {
  const { mode = 'memory' } = checkedObject(options ?? {}, ['mode'], 'JobsTestingModule: options');
  if (MODES.includes(mode)) return mode as JobsTestingMode;
  throw new TypeError(`JobsTestingModule: mode: expected 'memory', 'inline' or 'fake', got ${show(mode)}`);
}
