import { createRequire } from 'node:module';
import { loadError } from '../core/optional-package.js';

/** The API of OpenTelemetry. */
export type Api = typeof import('@opentelemetry/api');

/**
 * Loaded at once and not as a module, for what uses it is called before anything can be waited for; all copies of the API in
 * a process share what is registered.
 *
 * @throws Error that names the missing package and the command that installs it
 */
export function loadApi(load: (name: string) => unknown = createRequire(import.meta.url)): Api {
  try {
    return load('@opentelemetry/api') as Api;
  } catch (cause) {
    throw loadError(cause, 'openTelemetry', '@opentelemetry/api', '@opentelemetry/api');
  }
}
