import type { BackendContext, BackendDescription } from '../../core/backend.js';
import { durationMs, type Duration } from '../../core/duration.js';
import { show } from '../../core/show.js';
import { BeanstalkdBackend, type BeanstalkdSettings } from './beanstalkd.backend.js';
import { checkTube } from './client/arguments.js';
import type { Address } from './client/connect.js';
import { meet } from './server.js';
import { LONGEST_PREFIX } from './tubes.js';

export interface BeanstalkdOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 11300. */
  readonly port?: number;
  /** A Unix socket, instead of a host and a port. */
  readonly path?: string;
  /** Before the name of each queue's tube, for applications that share a server. Default none. */
  readonly prefix?: string;
  /**
   * How long a job stays leased to a worker that doesn't renew; rounded up to whole seconds. Default 30 s. The jobs of
   * a worker that dies are free as soon as its connection is closed.
   */
  readonly lease?: Duration;
}

const OPTIONS = new Set(['host', 'port', 'path', 'prefix', 'lease']);

/** The longest lease, in seconds. */
const LONGEST_LEASE_S = 1_000_000_000;

/**
 * Queues as tubes of a beanstalkd server, 1.12 or later.
 *
 * @throws TypeError where an option is bad
 */
export function beanstalkd(options: BeanstalkdOptions = {}): BackendDescription {
  const { address, settings } = check(options);
  return { name: 'beanstalkd', open: (context) => openBeanstalkd(address, settings, context) };
}

async function openBeanstalkd(
  address: Address,
  settings: BeanstalkdSettings,
  context: BackendContext,
): Promise<BeanstalkdBackend> {
  const { server, client } = await meet(address);
  if (!server.hasBinlog) {
    context.warn('beanstalkd runs without a binlog: all its jobs are lost when it ends. Start it with -b <directory>.');
  }
  const backend = new BeanstalkdBackend(server, settings, client, (message) => context.warn(message));
  // What processes have left that are gone is cleared away by whoever has something to do with the same server.
  if (context.queues?.length) await backend.records.clearAway(client);
  return backend;
}

function check(options: unknown): { readonly address: Address; readonly settings: BeanstalkdSettings } {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`beanstalkd: expected { host, port, … }, got ${show(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key));
  if (unknown !== undefined) {
    throw new TypeError(`beanstalkd: unknown option ${show(unknown)}; known are ${[...OPTIONS].join(', ')}`);
  }
  const { host, port, path, prefix = '', lease = '30s' } = options as Record<string, unknown>;
  return { address: address(host, port, path), settings: { prefix: checkPrefix(prefix), leaseS: leaseS(lease) } };
}

function address(host: unknown, port: unknown, path: unknown): Address {
  if (path !== undefined && (host !== undefined || port !== undefined)) {
    throw new TypeError('beanstalkd: path: expected either a path or a host and a port, got both');
  }
  if (path !== undefined && !isText(path)) throw new TypeError(`beanstalkd: path: expected a path, got ${show(path)}`);
  if (host !== undefined && !isText(host)) throw new TypeError(`beanstalkd: host: expected a name, got ${show(host)}`);
  if (port !== undefined && !isPort(port)) {
    throw new TypeError(`beanstalkd: port: expected a whole number from 1 to 65535, got ${show(port)}`);
  }
  return { host: host ?? '127.0.0.1', port: port ?? 11_300, path };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && !value.includes('\0');
}

function isPort(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 65_535;
}

function checkPrefix(prefix: unknown): string {
  if (prefix === '') return prefix;
  try {
    if (typeof prefix === 'string' && prefix.length <= LONGEST_PREFIX) return checkTube(prefix);
  } catch {
    // Said below, as of any other prefix.
  }
  throw new TypeError(
    `beanstalkd: prefix: expected up to ${LONGEST_PREFIX} of A-Z a-z 0-9 - + / ; . $ _ ( ), not starting with -, ` +
      `got ${show(prefix)}`,
  );
}

function leaseS(lease: unknown): number {
  const seconds = Math.ceil(durationMs(lease, 'beanstalkd: lease') / 1000);
  if (seconds >= 1 && seconds <= LONGEST_LEASE_S) return seconds;
  throw new TypeError(`beanstalkd: lease: expected 1 s to ${LONGEST_LEASE_S} s, got ${show(lease)}`);
}
