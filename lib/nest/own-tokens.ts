/**
 * The tokens by which the parts of one instance of the module know each other. Those that an application injects are
 * aliases of them, one set for each instance, so that `app.get(PublisherService)` never finds that of another.
 */
export const OWN_PUBLISHER = 'JOBS_MODULE_PUBLISHER';
export const OWN_EVENTS = 'JOBS_MODULE_EVENTS';
export const OWN_JOBS = 'JOBS_MODULE_JOBS';

/** The token of the instance's name. */
export const INSTANCE_NAME = 'JOBS_MODULE_NAME';

/** The name of the instance that was given none. */
export const DEFAULT_INSTANCE = 'default';

/** Where something is, in messages: nothing for the default instance. */
export function placeOf(name: string, before = ' of ', after = ''): string {
  return name === DEFAULT_INSTANCE ? '' : `${before}instance "${name}"${after}`;
}

/** How an instance is called in messages. */
export function called(name: string): string {
  return name === DEFAULT_INSTANCE ? 'JobsModule' : `JobsModule "${name}"`;
}
