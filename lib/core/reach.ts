import type { Backend } from './backend.js';

/**
 * Asks the engine something cheap, so that it has to answer. Gives false where it can be asked nothing of the kind.
 *
 * @param queue of which it is asked
 * @throws what the engine throws where it can't be reached
 */
export async function reach({ inspector, backlog, records }: Backend, queue: string): Promise<boolean> {
  if (inspector) await inspector.counts(queue);
  else if (backlog) await backlog.jobs(queue);
  else if (records) await records.get('health');
  else return false;
  return true;
}
