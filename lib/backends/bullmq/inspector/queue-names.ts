import type { Cluster, Redis } from 'ioredis';
import type { Connections } from '../connections.js';

/** How many keys Redis looks at in one step: with more, it takes longer for all of them. */
const STEP = 5_000;

/**
 * The names of the queues: those whose settings are there. BullMQ keeps no list of them, so all keys of Redis are looked
 * through, on each node of a cluster, a step at a time.
 *
 * @param isOver ends the search, which takes long where others have millions of keys
 */
export async function queueNames(
  { publishing }: Connections,
  prefix: string,
  isOver: () => boolean,
): Promise<readonly string[]> {
  const client = publishing.client;
  const nodes = client.isCluster ? (client as Cluster).nodes('master') : [client as Redis];
  const found = await Promise.all(nodes.map((node) => namesOn(node, prefix, isOver)));
  return [...new Set(found.flat())].sort();
}

async function namesOn(node: Redis, prefix: string, isOver: () => boolean): Promise<string[]> {
  const [before, after] = [`${prefix}:`, ':meta'];
  const pattern = `${before.replace(/[\\*?[\]^]/g, '\\$&')}*${after}`;
  const names: string[] = [];
  let cursor = '0';
  do {
    const [next, keys] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', STEP);
    names.push(...keys.map((key) => key.slice(before.length, -after.length)));
    cursor = next;
  } while (cursor !== '0' && !isOver());
  // A queue's name has no colon: those are keys of something else.
  return names.filter((name) => name !== '' && !name.includes(':'));
}
