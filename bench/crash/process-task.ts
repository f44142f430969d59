import { setTimeout } from 'node:timers/promises';
import type { Backend } from '../../lib/core/backend.js';
import { backendFromUrl } from '../../lib/nest/backend-url.js';
import { open } from '../core-setup.js';
import type { EngineName } from './engines/engine.js';
import { QUEUES } from './plan.js';

/** What a process of the run is told when it is started, as the JSON text of its first argument. */
export interface Task {
  readonly engine: EngineName;
  /** As `backendFromUrl` takes it. */
  readonly url: string;
  readonly ledgers: string;
  /** Of this incarnation. */
  readonly name: string;
  readonly slot: number;
  readonly seed: number;
  readonly jobs: number;
  readonly publishers: number;
  readonly rate: number;
}

/** What a process tells: that it has begun, or, of a publisher, that so many more jobs were acknowledged. */
export type Report = 'ready' | { readonly acknowledged: number };

export function readTask(): Task {
  return JSON.parse(process.argv[2] ?? '') as Task;
}

export function tell(report: Report): void {
  process.send?.(report);
}

/** How long a process tries to open its backend, in milliseconds. */
const OPENED_WITHIN_MS = 30_000;

/** Opens it again and again while the engine is away, as what starts a crashed application again does. */
export async function openPatiently(url: string): Promise<Backend> {
  for (const end = performance.now() + OPENED_WITHIN_MS; ; await setTimeout(50)) {
    try {
      return await open(backendFromUrl(url), QUEUES);
    } catch (error) {
      if (performance.now() > end) throw error;
    }
  }
}
