import {
  BackendError,
  type Backend,
  type BackendTraits,
  type Delivery,
  type Settlement,
  type StoredReceipt,
} from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { Inspector } from '../../core/inspector.js';
import type { Message } from '../../core/message.js';
import type { Records } from '../../core/records.js';

/** A backend whose engine can't be reached any more once it is cut off, as by a broken network. */
export class CutOff implements Backend {
  private readonly broken = new AbortController();

  /** @param when `'at the settlement'`: the first one that it is given cuts it off */
  constructor(
    private readonly backend: Backend,
    private readonly when?: 'at the settlement',
  ) {}

  cut(): void {
    this.broken.abort();
  }

  get traits(): BackendTraits {
    return this.backend.traits;
  }

  get clock(): Clock | undefined {
    return this.backend.clock;
  }

  get records(): Records | undefined {
    const { records } = this.backend;
    const letters = records?.letters;
    return (
      records && {
        set: (key, text, ttlMs) => this.reach(() => records.set(key, text, ttlMs)),
        claim: (key, text, ttlMs) => this.reach(() => records.claim(key, text, ttlMs)),
        swap: (key, from, to, ttlMs) => this.reach(() => records.swap(key, from, to, ttlMs)),
        get: (key) => this.reach(() => records.get(key)),
        delete: (key, text) => this.reach(() => records.delete(key, text)),
        watch: (key, listener) => this.reach(() => records.watch(key, listener)),
        ...(letters && {
          letters: {
            address: () => letters.address(),
            send: (address, key, text, ttlMs) => this.reach(() => letters.send(address, key, text, ttlMs)),
            hear: (key, listener) => letters.hear(key, listener),
          },
        }),
      }
    );
  }

  get inspector(): Inspector | undefined {
    const { inspector } = this.backend;
    return (
      inspector && {
        abilities: inspector.abilities,
        queues: () => this.reach(() => inspector.queues()),
        counts: (queue) => this.reach(() => inspector.counts(queue)),
        list: (queue, state, page) => this.reach(() => inspector.list(queue, state, page)),
        get: (queue, id) => this.reach(() => inspector.get(queue, id)),
        change: (queue, jobs, change) => this.reach(() => inspector.change(queue, jobs, change)),
        store: (queue, jobs) => this.reach(() => inspector.store(queue, jobs)),
      }
    );
  }

  publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    return this.reach(() => this.backend.publish(queue, messages));
  }

  reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    // A reserve that waits at the break ends, so that the job it would be given is not held by nobody.
    const either = AbortSignal.any([signal, this.broken.signal]);
    return this.reach(() => this.backend.reserve(queue, max, either));
  }

  settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    if (this.when) this.cut();
    return this.reach(() => this.backend.settle(delivery, settlement));
  }

  extend(delivery: Delivery): Promise<boolean> {
    return this.reach(() => this.backend.extend(delivery));
  }

  close(): Promise<void> {
    return this.backend.close();
  }

  private reach<T>(act: () => Promise<T>): Promise<T> {
    if (!this.broken.signal.aborted) return act();
    return Promise.reject(new BackendError('the engine can’t be reached', { passing: true }));
  }
}
