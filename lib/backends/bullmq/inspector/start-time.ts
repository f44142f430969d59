import { MESSAGE_OPTION } from '../stored-job.js';

/**
 * The options of a job, as JSON text, with another time before which it is not to be handled, where the message names one:
 * the core goes by it. What isn't ours, and what can't be read, stays as it is.
 *
 * @param at milliseconds since 1970; undefined: none
 */
export function startingAt(options: string, at: number | undefined): string {
  try {
    const all = JSON.parse(options) as Record<string, unknown>;
    const message = JSON.parse(String(all[MESSAGE_OPTION])) as { readonly header: Record<string, unknown> };
    if (message.header['delay'] === undefined) return options;
    const delay = at === undefined ? undefined : new Date(at).toISOString();
    return JSON.stringify({
      ...all,
      [MESSAGE_OPTION]: JSON.stringify({ ...message, header: { ...message.header, delay } }),
    });
  } catch {
    return options;
  }
}
