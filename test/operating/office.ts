import type { Backend } from '../../lib/core/backend.js';
import type { ConsumerSetup } from '../../lib/core/consumer.js';
import type { Handler } from '../../lib/core/handlers.js';
import type { Inspector } from '../../lib/core/inspector.js';
import { JobsOperator, type OperatorOptions } from '../../lib/operating/jobs-operator.js';
import { wrapped } from '../core/engine.js';
import { handler, queue, Workshop } from '../core/workshop.js';

/** A workshop whose jobs are operated. */
export async function openOffice(options?: OperatorOptions): Promise<Office> {
  return new Office(await Workshop.open(), options);
}

export class Office {
  readonly operator: JobsOperator;

  constructor(
    readonly shop: Workshop,
    options?: OperatorOptions,
  ) {
    this.operator = new JobsOperator(shop.engine, options);
  }

  /** Publishes to queue `default`; gives the id. */
  async publish(name: string, payload: unknown = null, options: object = {}): Promise<string> {
    return (await this.shop.publisher.publish(name, payload, options)).id;
  }

  /** A consumer that takes part in the fleet. */
  consume(handlers: readonly Handler[], setup: Partial<ConsumerSetup> = {}): ReturnType<Workshop['consume']> {
    const identity = { host: 'here', pid: 7, version: '1.2.3', instance: 'default' };
    return this.shop.consume(handlers, { queues: [queue('default')], fleet: { identity }, ...setup });
  }

  /** Jobs that have failed, each once: the payload says why. */
  async fail(name: string, payloads: readonly unknown[]): Promise<string[]> {
    const ids: string[] = [];
    for (const payload of payloads) ids.push(await this.publish(name, payload, { attempts: 1 }));
    const consumer = this.shop.consume([
      handler(name, (payload) => {
        throw payload instanceof Error ? payload : new RangeError(String(payload));
      }),
    ]);
    await this.shop.now();
    while (this.shop.happened.filter(([event]) => event === 'failed').length < payloads.length) await this.shop.now();
    await consumer.stop(0);
    return ids;
  }
}

/** An operator of the same jobs, some verbs of whose engine are others. */
export function operatorWith(
  { engine }: Workshop,
  others: Partial<Inspector>,
  options?: OperatorOptions,
  backend: Partial<Backend> = {},
): JobsOperator {
  const honest = engine.inspector as Inspector;
  const inspector: Inspector = {
    abilities: honest.abilities,
    queues: () => honest.queues(),
    counts: (name) => honest.counts(name),
    list: (name, state, page) => honest.list(name, state, page),
    get: (name, id) => honest.get(name, id),
    change: (name, places, change) => honest.change(name, places, change),
    store: (name, jobs) => honest.store(name, jobs),
    ...others,
  };
  return new JobsOperator(wrapped(engine, { inspector, ...backend }), options);
}
