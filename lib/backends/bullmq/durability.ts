import type { BackendTraits } from '../../core/backend.js';
import type { Client } from './clients.js';

/** What was found out about the server. */
export interface Server {
  readonly durability: BackendTraits['durability'];
  /** What an operator should know, a sentence each. */
  readonly warnings: readonly string[];
}

const OLDEST = 5;

/**
 * Asks the server what survives. Answers that it doesn't give (many hosts forbid CONFIG) count as the weaker.
 *
 * @throws Error where its version is too old
 */
export async function examine(client: Client, where: string): Promise<Server> {
  const info = await ask(() => client.info());
  const version = /^redis_version:(\S+)/m.exec(info)?.[1];
  if (version !== undefined && Number.parseInt(version) < OLDEST) {
    throw new Error(`bullmq: Redis at ${where} is version ${version}; BullMQ needs at least ${OLDEST}`);
  }
  const warnings: string[] = [];
  const appends = /^aof_enabled:(\d)/m.exec(info)?.[1];
  if (appends === '0') {
    warnings.push(
      `bullmq: Redis at ${where} has appendonly off: a crash of it loses the jobs since its last snapshot. ` +
        'Set appendonly yes.',
    );
  }
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    warnings.push(
      `bullmq: Redis at ${where} has maxmemory-policy ${policy}: it drops jobs when its memory is full. Set noeviction.`,
    );
  }
  const syncs = appends === '1' && (await setting(client, 'appendfsync')) === 'always';
  return { durability: syncs ? 'power cut' : 'process', warnings };
}

async function setting(client: Client, name: string): Promise<string | undefined> {
  const reply: unknown = await ask(() => client.config('GET', name));
  return Array.isArray(reply) ? String(reply[1]) : (reply as Record<string, string> | undefined)?.[name];
}

async function ask<T>(question: () => Promise<T>): Promise<T | ''> {
  try {
    return await question();
  } catch {
    return '';
  }
}
