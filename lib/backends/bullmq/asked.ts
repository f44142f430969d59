import type { Connections } from './connections.js';
import { faultOf } from './faults.js';

/** How long is waited for a connection that is just being made again, in milliseconds. */
const RECONNECT_MS = 1_000;

/**
 * What Redis answers on the connection for publishing.
 *
 * @throws BackendError
 */
export async function asked<T>(connections: Connections, ask: () => Promise<T>): Promise<T> {
  const { publishing, where } = connections;
  try {
    await connections.ready(publishing.client, RECONNECT_MS);
    return await ask();
  } catch (error) {
    throw faultOf(error, where);
  }
}
