import type { Handler } from './handlers.js';

/**
 * Checks that no job of a process goes on for ever.
 *
 * @throws Error naming the jobs that forward to each other in a ring
 */
export function checkForwards(handlers: readonly Handler[]): void {
  const next = new Map(handlers.map((handler) => [handler.name, nextOf(handler)]));
  for (const { name, origin } of handlers) {
    const trail = [name];
    for (let to = next.get(name); to !== undefined && trail.length <= next.size; to = next.get(to)) {
      trail.push(to);
      if (to !== name) continue;
      throw new Error(
        `${origin}: forwardTo: expected jobs that come to an end, got ${trail.map((each) => `"${each}"`).join(' → ')}. ` +
          'Where a job is to go on until something holds, let its handler return forward(…) as long as it does not.',
      );
    }
  }
}

function nextOf({ forwardTo }: Handler): string | undefined {
  return typeof forwardTo === 'object' ? forwardTo.name : forwardTo;
}
