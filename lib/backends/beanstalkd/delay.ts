import { LARGEST } from './client/arguments.js';

/** A time to come as whole seconds from now, rounded up; the longest delay where it lies further ahead. */
export function delayUntil(time: number | undefined, now: number = Date.now()): number {
  return time === undefined || time <= now ? 0 : Math.min(Math.ceil((time - now) / 1000), LARGEST);
}
