import { resolve } from 'node:path';
import type { BackendContext, BackendDescription } from '../../core/backend.js';
import { durationMs, type Duration } from '../../core/duration.js';
import { show } from '../../core/show.js';
import { DirectorySyncs } from './directory-syncs.js';
import type { Disk } from './disk.js';
import { RealDisk } from './real-disk.js';
import { FilerBackend } from './filer.backend.js';
import { unusable } from './folders.js';
import { ProcessOwners, type OwnerWatch } from './owner.js';

export { doctor, type DoctorOptions } from './doctor.js';
export type { Finding } from './finding.js';

export interface FilerOptions {
  /** Where the queues' directories are. Made at start where it is missing, mode 0700. */
  readonly directory: string;
  /** Whether a publish that resolved survives a power cut. Default true; false is faster, and survives kill -9 alone. */
  readonly durable?: boolean;
  /** How long a job stays leased to a worker that doesn't renew: a stopped one, or one of another host. Default 30 s. */
  readonly lease?: Duration;
  /** How often a directory is looked at for what no notice told. Default 1 s. */
  readonly sweep?: Duration;
}

const OPTIONS = new Set(['directory', 'durable', 'lease', 'sweep']);

/**
 * Queues as directories of files: no server, any number of processes, safe under kill -9.
 *
 * @throws TypeError where an option is bad; Error on Windows, whose renames and directories don't keep what it rests on
 */
export function filer(options: FilerOptions): BackendDescription {
  const settings = check(options);
  return { name: 'filer', open: (context) => openFiler(settings, context) };
}

/** @internal Checked options. */
export interface CheckedOptions {
  readonly directory: string;
  readonly durable: boolean;
  readonly leaseMs: number;
  readonly sweepMs: number;
}

/** @internal For tests, on a disk and among processes of their own. */
export async function openFiler(
  options: CheckedOptions,
  context: BackendContext,
  disk: Disk = new RealDisk(),
  owners: OwnerWatch = new ProcessOwners(),
): Promise<FilerBackend> {
  const root = Buffer.from(options.directory).toString('latin1');
  try {
    disk.makeDirectory(root);
    disk.checkDirectory(root);
  } catch (error) {
    throw unusable(root, error);
  }
  const report = (path: string, error: unknown): void => context.warn(unusable(path, error).message);
  const syncs = new DirectorySyncs(disk, report);
  const warn = (message: string): void => context.warn(message);
  const backend = new FilerBackend({ ...options, root, disk, owners, syncs, warn });
  for (const queue of context.queues ?? []) backend.prepare(queue);
  return Promise.resolve(backend);
}

function check(options: unknown): CheckedOptions {
  if (process.platform === 'win32') throw new Error('filer does not work on Windows; use another backend there');
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`filer: expected { directory, … }, got ${show(options)}`);
  }
  const unknown = Object.keys(options).find((key) => !OPTIONS.has(key));
  if (unknown !== undefined)
    throw new TypeError(`filer: unknown option ${show(unknown)}; known are ${[...OPTIONS].join(', ')}`);
  const { directory, durable = true, lease = '30s', sweep = '1s' } = options as Record<string, unknown>;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new TypeError(`filer: directory: expected a path, got ${show(directory)}`);
  }
  if (typeof durable !== 'boolean') throw new TypeError(`filer: durable: expected true or false, got ${show(durable)}`);
  return {
    directory: resolve(directory),
    durable,
    leaseMs: atLeast(10, durationMs(lease, 'filer: lease'), 'lease'),
    sweepMs: atLeast(10, durationMs(sweep, 'filer: sweep'), 'sweep'),
  };
}

function atLeast(least: number, ms: number, what: string): number {
  if (ms >= least) return ms;
  throw new TypeError(`filer: ${what}: expected at least ${least} ms, got ${ms}`);
}
