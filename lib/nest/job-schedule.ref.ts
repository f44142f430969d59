import type { ScheduleOptions } from '../core/schedule.js';

/** What `publisher.schedule` takes. */
export interface CronScheduleOptions extends ScheduleOptions {
  /** Five fields, or six with seconds first: `'0 9 * * 1-5'`; also `@hourly`, `@daily` and the like. */
  readonly cron: string;
}

/** A job that recurs. */
export interface JobScheduleRef {
  readonly name: string;
  readonly cron: string;
  /** When the next tick is due; undefined once it was cancelled. */
  readonly next: Date | undefined;
  /** Publishes no further tick from this process. Other processes that have the schedule go on. */
  cancel(): void;
}

export function scheduleRef(
  name: string,
  cron: string,
  running: { readonly nextAt: number | undefined; stop(): void },
): JobScheduleRef {
  return {
    name,
    cron,
    get next() {
      return running.nextAt === undefined ? undefined : new Date(running.nextAt);
    },
    cancel: () => running.stop(),
  };
}
