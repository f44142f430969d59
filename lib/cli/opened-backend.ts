import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Backend, BackendDescription } from '../core/backend.js';
import { messageOf } from '../core/errors.js';
import { inTime } from '../core/in-time.js';
import { backendFromUrl } from '../nest/backend-url.js';
import { CliError, EXIT, UsageError } from './exit-codes.js';

/** How an engine is opened. */
export interface Opening {
  readonly queues?: readonly string[];
  /** Whether what isn't there is made; else a folder that isn't there is an error, for it may be mistyped. */
  readonly makes?: boolean;
  readonly warn: (message: string) => void;
}

/** How long an engine may take to answer at first. */
const OPEN_MS = 10_000;

/** Names this process in records of failures. */
export const WORKER = `${hostname()}:${process.pid}`;

/** @throws UsageError where it is no URL of an engine that other processes can share; CliError where that can't be reached */
export async function openBackend(url: string, { queues, makes, warn }: Opening): Promise<Backend> {
  const description = describe(url);
  const { name } = description;
  if (!makes) refuseMissing(url);
  const opening = description.open({ worker: WORKER, queues, warn });
  const unreachable = (why: string, cause?: unknown): CliError =>
    new CliError(`${name} can't be reached: ${why}`, EXIT.engine, { cause });
  return inTime(
    opening,
    OPEN_MS,
    () => unreachable(`no answer within ${OPEN_MS / 1000} s`),
    (cause) => unreachable(messageOf(cause), cause),
  );
}

function describe(url: string): BackendDescription {
  if (/^memory:/i.test(url)) {
    throw new UsageError(
      'memory: keeps its jobs within one process, where no command line reaches them; expected another engine',
    );
  }
  try {
    return backendFromUrl(url);
  } catch (cause) {
    throw new UsageError(`backend: ${messageOf(cause)}`, { cause });
  }
}

/** The folder of `filer:…`; undefined for other engines. */
export function folderOf(url: string): string | undefined {
  if (!/^filer:/i.test(url)) return undefined;
  return decodeURIComponent(new URL(url).pathname);
}

/** @throws CliError where the folder of `filer:…` is not there */
export function refuseMissing(url: string): void {
  const folder = folderOf(url);
  if (folder === undefined || existsSync(folder)) return;
  throw new CliError(`filer can't be reached: there is no folder ${folder}`, EXIT.engine);
}
