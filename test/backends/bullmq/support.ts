import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { bullmq, type BullmqOptions } from '../../../lib/backends/bullmq/index.js';
import type { Backend, Delivery, Settlement } from '../../../lib/core/backend.js';
import { isUnreadable, type Message, type ReceivedMessage } from '../../../lib/core/message.js';
import { messageOf, type Draft } from '../../../lib/conformance/stage/draft.js';

export const COMPLETED: Settlement = { kind: 'completed' };

/** A backend on a prefix that no other test uses, and one queue of it. */
export class Bench {
  readonly queue = 'mail';
  readonly warnings: string[] = [];
  private readonly opened: Backend[] = [];

  constructor(
    readonly connection: BullmqOptions['connection'],
    readonly prefix = `test-${randomUUID()}`,
  ) {}

  async open(options: Partial<BullmqOptions> = {}): Promise<Backend> {
    const description = bullmq({ connection: this.connection, prefix: this.prefix, lease: '30s', ...options });
    const backend = await description.open({ worker: 'test', warn: (message) => void this.warnings.push(message) });
    this.opened.push(backend);
    return backend;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.splice(0).map((backend) => backend.close()));
  }
}

export function message(draft: Draft = {}): Message {
  return messageOf(draft, Date.now());
}

/** Takes one job, however often the backend has to be asked. */
export async function takeOne(backend: Backend, queue: string): Promise<Delivery> {
  const end = Date.now() + 50_000;
  while (Date.now() < end) {
    const [delivery] = await backend.reserve(queue, 1, AbortSignal.timeout(5_000));
    if (delivery) return delivery;
  }
  throw new Error(`no job of queue ${queue} came`);
}

export function readable({ content }: Delivery): ReceivedMessage {
  if (isUnreadable(content)) throw new Error(content.unreadable);
  return content;
}

/** @param withinMs how long it is waited for, in milliseconds */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 50_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await holds()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`waited too long for ${what}`);
  }
}
