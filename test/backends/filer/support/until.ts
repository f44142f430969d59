import { setTimeout } from 'node:timers/promises';

/** Asks again until the answer is neither undefined nor false; how long that may take is no measure of speed. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = 45_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>;
    if (performance.now() > deadline) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await setTimeout(5);
  }
}
