import type { JobsModuleOptions } from './jobs.options.js';

/** The token of an {@link EngineSubstitute}, where a global module of the application provides one. */
export const ENGINE_SUBSTITUTE = 'JOBS_MODULE_SUBSTITUTE';

/**
 * Stands in for the engines of an application, as tests have it. A class, to be told from what a test's `useMocker` puts
 * wherever nothing is provided.
 */
export abstract class EngineSubstitute {
  /** The options that an instance gets in place of its own. */
  abstract optionsFor(instance: string, given: Partial<JobsModuleOptions>): JobsModuleOptions;
}
