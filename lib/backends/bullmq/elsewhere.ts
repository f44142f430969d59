import type { RedisOptions } from 'ioredis';
import type { ElsewhereRecords } from '../../core/records-elsewhere.js';
import { BullmqRecords } from './bullmq-records.js';
import { connectOnce, createOnce, leave, placeOf, readyWithin } from './clients.js';
import { loadIoredis } from './packages.js';
import { defineRecordCommands } from './record-scripts.js';

/** What another thread imports. Told here, in a file that is loaded lazily: as CommonJS, as jest has it, it can't be read. */
export const MODULE = import.meta.url;

export interface ElsewhereOptions {
  readonly connection: string | RedisOptions;
  readonly prefix: string;
}

/**
 * Opens the records of a Redis in another thread, on one connection, which does not come back once it is lost. BullMQ
 * itself is not loaded.
 *
 * @throws Error where Redis is away
 */
export async function openRecords({ connection, prefix }: ElsewhereOptions): Promise<ElsewhereRecords> {
  const ioredis = await loadIoredis();
  const client = createOnce(ioredis, connection);
  defineRecordCommands(client);
  await connectOnce(client);
  const where = placeOf(client);
  const commands = client as unknown as Record<string, (args: readonly unknown[]) => Promise<unknown>>;
  const runCommand = async (name: string, args: readonly unknown[]): Promise<unknown> => commands[name]?.(args);
  const lines = {
    publishing: { client, adapted: { runCommand } },
    where,
    ready: (waited: typeof client, waitMs: number) => readyWithin(waited, where, waitMs),
    hearing: () => connectOnce(createOnce(ioredis, connection)),
  };
  const records = new BullmqRecords(lines, prefix);
  const close = async (): Promise<void> => {
    await records.close();
    await leave(client);
  };
  return { records, close };
}
