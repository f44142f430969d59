import { hostname } from 'node:os';
import type { FleetPlan } from '../core/fleet-member.js';
import { VERSION } from '../core/version.js';
import { LazyWatchdog } from '../core/lazy-watchdog.js';
import { logger } from './jobs.logger.js';
import type { JobsSettings } from './jobs.settings.js';

/** How an instance takes part in the fleet: listed where it reads queues all the time. */
export function fleetPlan({ consume, operate }: JobsSettings, instance: string): FleetPlan {
  if (consume === false) return {};
  const watchdog = operate.trace ? new LazyWatchdog((message) => logger.warn(message)) : undefined;
  return { identity: { host: hostname(), pid: process.pid, version: VERSION, instance, watchdog } };
}
