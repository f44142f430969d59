import { beforeEach } from 'vitest';
import type { Backend, Settlement } from '../../../../lib/core/backend.js';
import type { InspectedJob, Inspector, JobState } from '../../../../lib/core/inspector.js';
import { isUnreadable } from '../../../../lib/core/message.js';
import type { FailureRecord } from '../../../../lib/core/failure-record.js';
import { redisServer, type RedisServer } from '../../../servers/redis.js';
import { onRedis, type OnRedis } from '../on-redis.js';

/** What the tests of a file work with: besides that of every test on Redis, a backend and its inspector. */
export interface OnInspector extends OnRedis<RedisServer> {
  readonly backend: Backend;
  readonly inspector: Inspector;
}

export function onInspector(): OnInspector {
  const on = onRedis(redisServer);
  let backend: Backend;
  beforeEach(async () => {
    backend = await on.bench.open();
  });
  return {
    get server() {
      return on.server;
    },
    get bench() {
      return on.bench;
    },
    get redis() {
      return on.redis;
    },
    get backend() {
      return backend;
    },
    get inspector() {
      return inspectorOf(backend);
    },
  };
}

export function inspectorOf({ inspector }: Backend): Inspector {
  if (!inspector) throw new Error('the backend has no inspector');
  return inspector;
}

/** All jobs of a state, by pages of so many. */
export async function listAll(
  inspector: Inspector,
  queue: string,
  state: JobState,
  limit = 100,
): Promise<InspectedJob[]> {
  const jobs: InspectedJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await inspector.list(queue, state, { limit, cursor });
    jobs.push(...page.jobs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return jobs;
}

export function idsOf(jobs: readonly InspectedJob[]): string[] {
  return jobs.map(({ content }) => content.id);
}

export function payloadsOf(jobs: readonly InspectedJob[]): unknown[] {
  return jobs.map(({ content }) => (isUnreadable(content) ? content.unreadable : content.payload));
}

export function failure(attempt: number, message = 'boom'): FailureRecord {
  const error = { name: 'TypeError', message, stack: `TypeError: ${message}\n    at here` };
  return { at: '2026-11-21T09:00:00.000Z', worker: 'host:1', attempt, durationMs: 12, error };
}

export function failed(attempt = 1, reason = 'attempts spent'): Settlement {
  return { kind: 'failed', reason, failures: [failure(attempt)] };
}
