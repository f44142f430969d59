import { Queue, type JobsOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { isUnreadable } from '../../../lib/core/message.js';
import { decodeMessage } from '../../../lib/core/message-decoding.js';
import { MESSAGE_OPTION } from '../../../lib/backends/bullmq/stored-job.js';

/**
 * Stores bytes as another program would: a message as the native job that says the same, by BullMQ's own class; what is
 * no message as the data of a job that has nothing else.
 */
export async function putForeign(url: string, prefix: string, queue: string, bytes: Uint8Array): Promise<void> {
  if (isUnreadable(decodeMessage(bytes, 'none'))) return putRaw(url, prefix, queue, bytes);
  const { id, header, body } = JSON.parse(Buffer.from(bytes).toString()) as Message;
  const options: JobsOptions & { readonly [MESSAGE_OPTION]: string } = {
    priority: (header.priority ?? 1024) + 1,
    [MESSAGE_OPTION]: JSON.stringify({ id, header }),
  };
  const target = new Queue(queue, { connection: { url }, prefix });
  await target.add(header.request_type, body === undefined ? null : body, options);
  await target.close();
}

interface Message {
  readonly id?: string;
  readonly header: { readonly request_type: string; readonly priority?: number };
  readonly body?: unknown;
}

async function putRaw(url: string, prefix: string, queue: string, bytes: Uint8Array): Promise<void> {
  const client = new Redis(url);
  const id = await client.incr(`${prefix}:${queue}:id`);
  await client.hset(`${prefix}:${queue}:${id}`, 'data', Buffer.from(bytes));
  await client.lpush(`${prefix}:${queue}:wait`, String(id));
  await client.zadd(`${prefix}:${queue}:marker`, 0, '0');
  await client.quit();
}
