/** What a tick's record says once its job is stored: that, or that the job has completed. Before, who is about to publish it. */
export type TickState = 'published' | 'completed';

/** For how long a tick is another's to publish, in milliseconds: after that, its process has died. */
export const CLAIM_MS = 5_000;

/** For how long those who come later see that a tick was another's, in milliseconds. */
export const CLAIM_KNOWN_MS = 60_000;

/** For how long a tick is known after it was published, started or completed: no clock is further behind. */
export const TICK_KNOWN_MS = 24 * 3_600_000;

/** For how long the last tick of a schedule is known that catches up. */
export const LAST_TICK_KNOWN_MS = 400 * 24 * 3_600_000;

/** The id of a tick's job: the same whoever publishes it. */
export function tickId(name: string, tick: number): string {
  return `${name}-${new Date(tick).toISOString().replaceAll(':', '.')}`;
}

export function tickRecord(id: string): string {
  return `tick:${id}`;
}

export function lastTickRecord(name: string): string {
  return `last-tick:${name}`;
}
