import { LARGEST } from './client/arguments.js';

/** A time to come as whole seconds from now, rounded up; the longest delay where it lies further ahead. */
export function delayUntil(time: number | undefined): number {
  if (time === undefined) return 0;
  const leftMs = time - Date.now();
  return leftMs <= 0 ? 0 : Math.min(Math.ceil(leftMs / 1000), LARGEST);
}
