import type { JobRef } from './job.js';
import type { Reporter } from './reporter.js';
import { show } from './show.js';

/** Of how many unknown names it is said: others may write any name into a message. */
const MOST_UNKNOWN = 1_000;

/** Says of each name and queue once that the queue holds jobs of that name, which nothing here handles. */
export function sayOnce(reporter: Reporter): (job: JobRef) => void {
  const said = new Set<string>();
  return ({ name, queue }) => {
    if (said.has(`${queue}/${name}`) || said.size === MOST_UNKNOWN) return;
    said.add(`${queue}/${name}`);
    reporter.warn(
      `No handler here is named ${show(name)}, but queue "${queue}" holds such jobs. They are put back, ` +
        'and fail once the option unknownJobGrace has passed since they were published.',
    );
  };
}
