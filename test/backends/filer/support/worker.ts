import { closeSync, openSync } from 'node:fs';
import { openFiler } from '../../../../lib/backends/filer/index.js';
import { ProcessOwners } from '../../../../lib/backends/filer/owner.js';
import { Crew } from '../../../../lib/conformance/stage/crew.js';
import { messageOf, type Draft } from '../../../../lib/conformance/stage/draft.js';
import { Time } from '../../../../lib/conformance/stage/time.js';
import type { Backend, Delivery, Settlement } from '../../../../lib/core/backend.js';
import { systemClock } from '../../../../lib/core/clock.js';
import type { JobEventName } from '../../../../lib/core/events.js';
import type { Job } from '../../../../lib/core/job.js';

/** How the worker opens a directory. */
export interface WorkerOpening {
  readonly directory: string;
  readonly durable?: boolean;
  readonly leaseMs?: number;
  readonly sweepMs?: number;
  readonly queues?: readonly string[];
}

/** One call from the test. */
export interface Call {
  readonly number: number;
  readonly verb: keyof Verbs;
  readonly args: readonly unknown[];
}

/** What became of it. */
export interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: string;
}

export type Verbs = typeof verbs;

const QUEUE = 'jobs';
const held = new Map<string, Delivery>();
const warnings: string[] = [];
const files: number[] = [];
const aborts: string[] = [];
let crew: Crew | undefined;
let backend: Backend;
let heard = 0;

/** A filer in a process of its own, told what to do by the test. */
const verbs = {
  async open({ directory, durable = false, leaseMs = 30_000, sweepMs = 100, queues = [QUEUE] }: WorkerOpening) {
    const context = { worker: 'worker', queues, warn: (message: string) => void warnings.push(message) };
    backend = await openFiler({ directory, durable, leaseMs, sweepMs }, context);
  },

  async publish(...drafts: Draft[]) {
    return backend.publish(
      QUEUE,
      drafts.map((draft) => messageOf({ freshId: draft.id === undefined, ...draft }, Date.now())),
    );
  },

  /** Publishes so many that are alike. */
  async publishMany(count: number, draft: Draft) {
    for (let left = count; left > 0; left -= 1_000) {
      await verbs.publish(...Array.from({ length: Math.min(left, 1_000) }, () => draft));
    }
  },

  async take(count: number) {
    const taken: Delivery[] = [];
    while (taken.length < count) {
      taken.push(...(await backend.reserve(QUEUE, count - taken.length, AbortSignal.timeout(45_000))));
    }
    for (const delivery of taken) held.set(delivery.content.id, delivery);
    return taken.map(({ content, attempt }) => ({ id: content.id, attempt }));
  },

  async set(key: string, text: string, ttlMs: number) {
    await backend.records?.set(key, text, ttlMs);
  },

  /** Sets so many keys at once. */
  async setMany(count: number, ttlMs: number) {
    const setting = Array.from({ length: count }, (_, n) => verbs.set(`key ${n}`, `text ${n}`, ttlMs));
    await Promise.all(setting);
  },

  /** The text of the record that the key has; undefined: it stored. */
  async claim(key: string, text: string, ttlMs: number) {
    return (await backend.records?.claim(key, text, ttlMs))?.text;
  },

  async get(key: string) {
    return (await backend.records?.get(key))?.text;
  },

  async watch(key: string) {
    await backend.records?.watch(key, () => (heard += 1));
  },

  /** How often a watched key was told of. */
  async heard() {
    return Promise.resolve(heard);
  },

  /** Sets a key again and again, to `length` times each of the digits. */
  async setOnAndOn(key: string, length: number) {
    const setOne = async (round: number): Promise<void> => {
      await backend.records?.set(key, String(round % 10).repeat(length), 3_600_000);
      void setOne(round + 1);
    };
    await setOne(0);
  },

  /** Begins to wait for a job. */
  async begin() {
    void backend.reserve(QUEUE, 1, new AbortController().signal);
    return Promise.resolve();
  },

  async settle(id: string, settlement: Settlement) {
    return backend.settle(held.get(id) as Delivery, settlement);
  },

  async extend(id: string) {
    return backend.extend(held.get(id) as Delivery);
  },

  /** Handles jobs, each until its signal aborts. */
  async work(concurrency: number) {
    const handle = async (_: unknown, { signal }: Job): Promise<void> => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      aborts.push((signal.reason as Error).name);
    };
    const time = new Time(systemClock, undefined, 45_000, 100);
    crew = new Crew({ handlers: { job: { handle, concurrency } }, concurrency }, backend, QUEUE, time, 20);
    return Promise.resolve();
  },

  /** What has become of those jobs so far. */
  async story() {
    const count = (name: JobEventName): number => crew?.told(name).length ?? 0;
    return Promise.resolve({
      started: count('started'),
      aborts,
      leasesLost: count('leaseLost'),
      completed: count('completed'),
    });
  },

  async close() {
    await backend.close();
  },

  async told() {
    return Promise.resolve(warnings);
  },

  async self() {
    return Promise.resolve(new ProcessOwners().self);
  },

  /** Opens files until no more can be. */
  async useUpFiles() {
    try {
      for (;;) files.push(openSync('/dev/null', 'r'));
    } catch {
      return Promise.resolve(files.length);
    }
  },

  async freeFiles() {
    for (const file of files.splice(0)) closeSync(file);
    return Promise.resolve();
  },

  /** How much memory it has, in bytes. */
  async memory() {
    return Promise.resolve(process.memoryUsage().rss);
  },

  /** Lets go of the test; what is left then keeps the process alive. */
  async leave() {
    setImmediate(() => process.disconnect());
    return Promise.resolve();
  },
};

process.on('message', ({ number, verb, args }: Call) => {
  const act = verbs[verb] as (...args: readonly unknown[]) => Promise<unknown>;
  act(...args).then(
    (value) => process.send?.({ number, value } satisfies Answer),
    (error: unknown) => process.send?.({ number, error: (error as Error).message } satisfies Answer),
  );
});
process.on('disconnect', () => process.removeAllListeners('message'));
