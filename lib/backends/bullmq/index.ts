import type { BackendContext, BackendDescription } from '../../core/backend.js';
import { durationMs, type Duration } from '../../core/duration.js';
import { show } from '../../core/show.js';
import { BullmqBackend } from './bullmq.backend.js';
import { isClient, type BullmqConnection } from './clients.js';
import { Connections } from './connections.js';
import { examine } from './durability.js';
import { loadPackages } from './packages.js';
import { checkRetention, type CheckedRetention, type Retention } from './retention.js';
import { scriptsWith } from './scripts.js';

export type { BullmqConnection } from './clients.js';
export type { Keep, Retention } from './retention.js';

export interface BullmqOptions {
  /**
   * Where Redis is: a URL (`redis://…`, `rediss://…`), options of ioredis (Sentinel and TLS among them), or a client of
   * ioredis, a `Cluster` too. A client is used, duplicated where a connection has to block, and never closed.
   */
  readonly connection: BullmqConnection;
  /**
   * What the keys of all queues begin with. Default `'bull'`, as BullMQ's own. On a Redis Cluster it needs a hash tag,
   * such as `'{jobs}'`, so that the keys of a queue are in one place.
   */
  readonly prefix?: string;
  /** How long a job stays leased to a worker that doesn't renew: after that, and a scan of a third of it, it comes again. Default 30 s. */
  readonly lease?: Duration;
  /** What is kept of jobs that have ended. */
  readonly retention?: Retention;
}

interface CheckedOptions {
  readonly connection: BullmqConnection;
  readonly prefix: string;
  readonly leaseMs: number;
  readonly retention: CheckedRetention;
}

const OPTIONS = new Set(['connection', 'prefix', 'lease', 'retention']);
const SHORTEST_LEASE_MS = 100;
const HASH_TAG = /\{[^}]+\}/;

/**
 * Queues of BullMQ on Redis, which its own tools and workers can read and fill. Needs the packages `bullmq` and `ioredis`.
 *
 * @throws TypeError where an option is bad
 */
export function bullmq(options: BullmqOptions): BackendDescription {
  const checked = check(options);
  return { name: 'bullmq', open: (context) => open(checked, context) };
}

async function open(options: CheckedOptions, context: BackendContext): Promise<BullmqBackend> {
  const { connection, prefix, leaseMs, retention } = options;
  const packages = await loadPackages();
  // So often that an active job is marked before its lease lapses, and comes back soon after.
  const stalledCheckMs = Math.ceil(leaseMs / 3);
  const connections = new Connections(packages, connection);
  try {
    await connections.open();
    const { durability, warnings } = await examine(connections.publishing.client, connections.where);
    for (const warning of warnings) context.warn(warning);
    // A little shorter in Redis, or every second look would come just before its time.
    const scriptsOf = scriptsWith(packages, { prefix, leaseMs, stalledCheckMs: Math.floor(stalledCheckMs * 0.9) });
    const { worker } = context;
    const limits = { leaseMs, stalledCheckMs, retention };
    return new BullmqBackend({ connections, scriptsOf, worker, ...limits, durability, prefix });
  } catch (error) {
    await connections.close();
    throw error;
  }
}

function check(options: unknown): CheckedOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`bullmq: expected { connection, … }, got ${show(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key));
  if (unknown !== undefined) {
    throw new TypeError(`bullmq: unknown option ${show(unknown)}; known are ${[...OPTIONS].join(', ')}`);
  }
  const { connection, prefix = 'bull', lease = '30s', retention } = options as Record<string, unknown>;
  if (typeof prefix !== 'string' || prefix === '') {
    throw new TypeError(`bullmq: prefix: expected a text that is not empty, got ${show(prefix)}`);
  }
  const leaseMs = Math.ceil(durationMs(lease, 'bullmq: lease'));
  if (leaseMs < SHORTEST_LEASE_MS) {
    throw new TypeError(`bullmq: lease: expected at least ${SHORTEST_LEASE_MS} ms, got ${leaseMs}`);
  }
  return { connection: checkConnection(connection, prefix), prefix, leaseMs, retention: checkRetention(retention) };
}

function checkConnection(connection: unknown, prefix: string): BullmqConnection {
  if (typeof connection === 'string') {
    const protocol = URL.canParse(connection) ? new URL(connection).protocol : undefined;
    if (protocol === 'redis:' || protocol === 'rediss:') return connection;
    throw new TypeError('bullmq: connection: expected a URL that starts with redis:// or rediss://');
  }
  if (typeof connection !== 'object' || connection === null || Array.isArray(connection)) {
    throw new TypeError(
      `bullmq: connection: expected a redis:// URL, { host, port, … } or a client of ioredis, got ${show(connection)}`,
    );
  }
  const given = connection as Exclude<BullmqConnection, string>;
  const keyPrefix = isClient(given) ? (given.options as { keyPrefix?: string }).keyPrefix : given.keyPrefix;
  if (keyPrefix) throw new TypeError("bullmq: connection: BullMQ can't use keyPrefix; set the option prefix instead");
  if (isClient(given) && given.isCluster && !HASH_TAG.test(prefix)) {
    throw new TypeError(
      `bullmq: prefix: a Redis Cluster needs one with a hash tag, such as '{jobs}', got ${show(prefix)}`,
    );
  }
  return given;
}
