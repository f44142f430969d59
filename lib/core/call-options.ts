import type { ResultOptions } from './answers.js';
import type { Duration } from './duration.js';
import type { PublishOptions } from './publish-options.js';

/** How a job is called: as it is published, but that `timeout` says how long its result is waited for. */
export interface CallOptions extends Omit<PublishOptions, 'timeout'>, ResultOptions {
  /** How long the result is waited for, from the publishing on. Default `'1m'`. */
  readonly timeout?: Duration;
  /** For how long after the job's end others find the result, too. Default: it is for the caller alone. */
  readonly keepResult?: Duration;
}
