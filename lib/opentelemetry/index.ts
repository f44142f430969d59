import type { Telemetry } from '../core/telemetry.js';
import { OpenTelemetry } from './open-telemetry.js';
import { openTelemetrySettings, type OpenTelemetryOptions } from './options.js';
import { loadApi } from './packages.js';

export type { OpenTelemetryOptions };

/**
 * Traces and measures jobs by OpenTelemetry: `JobsModule.forRoot({ backend, telemetry: openTelemetry() })`. Needs the
 * package `@opentelemetry/api`, and an SDK that the application registers; without one, nothing is told.
 *
 * @throws TypeError naming the option, what was expected and what was given
 * @throws Error that names the package where it is missing, and the command that installs it
 */
export function openTelemetry(options: OpenTelemetryOptions = {}): Telemetry {
  const settings = openTelemetrySettings(options);
  return new OpenTelemetry(loadApi(), settings);
}
