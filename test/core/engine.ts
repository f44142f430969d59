import type { Backend, Delivery } from '../../lib/core/backend.js';
import type { Clock } from '../../lib/core/clock.js';
import type { Message } from '../../lib/core/message.js';
import type { Reporter } from '../../lib/core/reporter.js';

/** A backend like `inner`, some of whose verbs are others. */
export function wrapped(inner: Backend, others: Partial<Backend>): Backend {
  return {
    traits: inner.traits,
    clock: inner.clock,
    records: inner.records,
    backlog: inner.backlog,
    inspector: inner.inspector,
    publish: (queue, messages) => inner.publish(queue, messages),
    reserve: (queue, max, signal) => inner.reserve(queue, max, signal),
    settle: (delivery, settlement) => inner.settle(delivery, settlement),
    extend: (delivery) => inner.extend(delivery),
    close: () => inner.close(),
    ...others,
  };
}

/** An engine that stores what is published, and hands nothing out. */
export class RecordingEngine implements Backend {
  readonly traits = {
    name: 'recorder',
    durability: 'none',
    shared: false,
    leaseMs: 30_000,
    delayStepMs: 1,
    exactPriorities: 4_294_967_295,
    findsDuplicates: true,
    history: true,
  } as const;
  readonly stored: { readonly queue: string; readonly messages: readonly Message[] }[] = [];

  constructor(readonly clock?: Clock) {}

  get messages(): Message[] {
    return this.stored.flatMap((call) => call.messages);
  }

  publish(queue: string, messages: readonly Message[]): Promise<{ duplicate: boolean }[]> {
    this.stored.push({ queue, messages: [...messages] });
    return Promise.resolve(messages.map(() => ({ duplicate: false })));
  }

  reserve(): Promise<Delivery[]> {
    return Promise.resolve([]);
  }

  settle(): Promise<boolean> {
    return Promise.resolve(false);
  }

  extend(): Promise<boolean> {
    return Promise.resolve(false);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Keeps what operators are told. */
export class Lines implements Reporter {
  readonly all: string[] = [];

  log(message: string): void {
    this.all.push(`log: ${message}`);
  }

  warn(message: string): void {
    this.all.push(`warn: ${message}`);
  }

  error(message: string): void {
    this.all.push(`error: ${message}`);
  }
}
