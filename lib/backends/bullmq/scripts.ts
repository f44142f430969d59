import type { JobJson, JobsOptions, RedisClient, RedisQueueBackend } from 'bullmq';
import { Batched } from './batched.js';
import type { Line } from './connections.js';
import type { Packages } from './packages.js';
import { runBoth, type ScriptCall } from './replacement.js';
import type { KeepJobs } from './retention.js';
import type { JobHash, NewJob } from './stored-job.js';

export interface ScriptOptions {
  readonly prefix: string;
  readonly leaseMs: number;
  readonly stalledCheckMs: number;
}

/** What a fetch found. */
export interface Fetched {
  /** Its hash, field by field, ours too; undefined where nothing is due. */
  readonly job: { readonly id: string; readonly hash: JobHash } | undefined;
  /** For how long the queue's rate limit, which another program has set, lets nothing through. */
  readonly limitedMs: number;
  /** When the next delayed job falls due, milliseconds since 1970; 0 where none is known. */
  readonly nextDueAt: number;
}

/** Why a job has come to its end, and what is written into it at that. */
export interface Finish {
  readonly id: string;
  readonly token: string;
  readonly target: 'completed' | 'failed' | 'expired';
  readonly reason: string | null;
  readonly keep: KeepJobs;
  readonly fields?: Readonly<Record<string, string | number>>;
}

/** A job that ends in this turn. */
interface Ending {
  readonly finish: Finish;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Transaction = ReturnType<RedisClient['multi']>;

/** BullMQ's own scripts, by which we move jobs as its classes do, without their parsing and their policy. */
export interface Scripts {
  readonly keys: Readonly<Record<string, string>>;
  toKey(type: string): string;
  /** As part of a transaction. */
  add(on: Transaction, job: NewJob): Promise<unknown>;
  /** Sends them before it returns, in their order; says of each how it went. */
  addAll(jobs: readonly NewJob[]): Promise<PromiseSettledResult<unknown>[]>;
  fetch(token: string, worker: string): Promise<Fetched>;
  finish(finish: Finish): Promise<void>;
  /** Ends a job and adds one of the same id at once. */
  replace(token: string, by: NewJob): Promise<void>;
  /** What the class would have a client run to add a job. */
  callThatAdds(job: NewJob): Promise<ScriptCall>;
  /** The name by which a client knows a script of BullMQ's. */
  named(script: string): string;
  moveToDelayed(
    id: string,
    now: number,
    delay: number,
    token: string,
    options: { readonly skipAttempt: boolean; readonly fieldsToUpdate: Record<string, unknown> },
  ): Promise<unknown>;
  extendLock(id: string, token: string, durationMs: number): Promise<number>;
  moveStalledJobsToWait(): Promise<string[]>;
}

export type ScriptsOf = (line: Line, queue: string) => Scripts;

/** What is called for many jobs at a time. */
const FOR_MANY: ReadonlySet<string> = new Set([
  'addDelayedJob',
  'addPrioritizedJob',
  'moveToActive',
  'moveToFinished',
  'moveToDelayed',
  'extendLock',
]);

/** How often a job may stall before BullMQ fails it on its own: that is for us to say, by its attempts. */
const NEVER = Number.MAX_SAFE_INTEGER;

/** Makes the scripts of a queue. A function, for the class that it extends is loaded lazily. */
export function scriptsWith({ bullmq }: Packages, options: ScriptOptions): ScriptsOf {
  class QueueScripts extends bullmq.RedisQueueBackend implements Scripts {
    private readonly batched = new Map<string, Batched | undefined>();
    private ending: Ending[] = [];

    constructor(
      private readonly adapted: RedisClient,
      ...rest: ConstructorParameters<typeof RedisQueueBackend>
    ) {
      super(...rest);
    }

    /** Hands the hash through as it came, which the class would parse: what it can't read must not be lost. */
    override execCommand(...[on, name, args]: Parameters<RedisQueueBackend['execCommand']>): Promise<unknown> {
      const batched = on === this.adapted && FOR_MANY.has(name) ? this.batchedOf(this.adapted, name) : undefined;
      const reply = batched ? batched.call(args) : (super.execCommand(on, name, args) as Promise<unknown>);
      return name === 'moveToActive' ? reply.then(unparsed) : reply;
    }

    private batchedOf(on: RedisClient, name: string): Batched | undefined {
      if (!this.batched.has(name)) {
        const alone = async (args: readonly unknown[]): Promise<unknown> =>
          (await super.execCommand(on, name, [...args])) as unknown;
        this.batched.set(name, Batched.of(on, this.named(name), alone, name === 'moveToActive'));
      }
      return this.batched.get(name);
    }

    add(on: RedisClient | Transaction, job: NewJob): Promise<unknown> {
      const json = { ...job, opts: job.options as JobsOptions } as unknown as JobJson;
      return this.addJobToTransaction(on, json, job.id);
    }

    addAll(jobs: readonly NewJob[]): Promise<PromiseSettledResult<unknown>[]> {
      const added = jobs.map((job) => this.add(this.adapted, job));
      for (const batched of this.batched.values()) batched?.flush();
      return Promise.allSettled(added);
    }

    async fetch(token: string, worker: string): Promise<Fetched> {
      const [, job, limitedMs, nextDueAt] = (await this.moveToActive(token, worker)) as unknown[];
      return {
        job: job ? (job as Fetched['job']) : undefined,
        limitedMs: Number(limitedMs ?? 0),
        nextDueAt: Number(nextDueAt ?? 0),
      };
    }

    finish(finish: Finish): Promise<void> {
      return new Promise((resolve, reject) => {
        if (this.ending.push({ finish, resolve, reject }) === 1) process.nextTick(() => this.endTogether());
      });
    }

    private endTogether(): void {
      const { ending } = this;
      this.ending = [];
      const finishes = makingRoomOnce(ending.map(({ finish }) => finish));
      for (const [index, finish] of finishes.entries()) {
        this.moveToFinished(finish.id, this.argsOf(finish)).then(ending[index]?.resolve, ending[index]?.reject);
      }
    }

    async replace(token: string, by: NewJob): Promise<void> {
      const { id } = by;
      const args = this.argsOf({ id, token, target: 'completed', reason: null, keep: { count: 0 } });
      const ending = { name: this.named('moveToFinished'), args };
      const result = await runBoth(this.adapted, ending, await this.callThatAdds(by));
      if (typeof result !== 'number' || result >= 0) return;
      throw this.finishedErrors({ code: result, jobId: id, command: 'moveToFinished', state: 'active' });
    }

    named(script: string): string {
      return `${script}:${this.version}`;
    }

    callThatAdds(job: NewJob): Promise<ScriptCall> {
      return new Promise((resolve, reject) => {
        const runCommand = (name: string, args: readonly unknown[]): void => resolve({ name, args });
        this.add({ runCommand } as unknown as Transaction, job).catch(reject);
      });
    }

    private argsOf({
      id,
      token,
      target,
      reason,
      keep,
      fields,
    }: Finish): ReturnType<QueueScripts['moveToFinishedArgs']> {
      // Whether attempts are left is for us to say.
      const job = { id, opts: { attempts: 0 } } as Parameters<QueueScripts['moveToFinishedArgs']>[0];
      const field = target === 'completed' ? 'returnvalue' : 'failedReason';
      // The script takes its target by name and key; `expired` is a set of ours beside the two of BullMQ.
      return this.moveToFinishedArgs(
        job,
        target === 'completed' ? JSON.stringify(reason) : reason,
        field,
        keep,
        target as 'failed',
        token,
        Date.now(),
        false,
        fields,
      );
    }
  }

  return ({ adapted, connection }, queue) => {
    const names = new bullmq.QueueKeys(options.prefix);
    const toKey = (type: string): string => names.toKey(queue, type);
    const settings = {
      connection: {},
      prefix: options.prefix,
      lockDuration: options.leaseMs,
      maxStalledCount: NEVER,
      stalledInterval: options.stalledCheckMs,
    };
    const keys = { ...names.getKeys(queue), expired: toKey('expired') };
    return new QueueScripts(adapted, connection, queue, keys, toKey, settings, undefined, false);
  };
}

/** Of jobs that end together, the last of each kind makes room for all of them: looking for the oldest costs Redis time. */
function makingRoomOnce(finishes: readonly Finish[]): readonly Finish[] {
  const last = new Map(finishes.map((finish) => [finish.target, finish]));
  return finishes.map((finish) =>
    finish.keep.count === 0 || last.get(finish.target) === finish ? finish : { ...finish, keep: { count: -1 } },
  );
}

function unparsed(reply: unknown): unknown {
  if (!Array.isArray(reply) || !reply[0]) return reply;
  const [flat, id, ...rest] = reply as [string[], unknown, ...unknown[]];
  return [undefined, { id: String(id), hash: hashOf(flat) }, ...rest];
}

function hashOf(flat: readonly string[]): JobHash {
  const hash: Record<string, string | undefined> = {};
  for (let at = 0; at < flat.length; at += 2) hash[flat[at] ?? ''] = flat[at + 1];
  return hash;
}

const LOST = new Set<unknown>([-1, -2, -3, -6]);

/** Whether a script refused because the lease is gone: no such job, no lock, not active, or another's lock. */
export function isLost(error: unknown): boolean {
  return LOST.has((error as { code?: unknown } | undefined)?.code);
}
