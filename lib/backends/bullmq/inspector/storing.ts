import type { StoredState, StoreResult } from '../../../core/inspector.js';
import { DEFAULT_PRIORITY, isUnreadable, type Unreadable } from '../../../core/message.js';
import { contentFrom, startOf } from '../../../core/stood.js';
import { Batched } from '../batched.js';
import type { Connections } from '../connections.js';
import { bullmqId } from '../job-id.js';
import { toBullmq } from '../priority.js';
import type { Scripts } from '../scripts.js';
import {
  ATTEMPTS_FIELD,
  FAILURES_FIELD,
  MESSAGE_OPTION,
  newJob,
  READY_FIELD,
  REASON_FIELD,
  UNCOUNTED_FIELD,
  type NewJob,
} from '../stored-job.js';
import { defineStoring, storingBy, STORE_ENDED } from './storing-scripts.js';

/** How many jobs are sent before their answers are awaited. */
const AT_A_TIME = 500;

type Argument = string | number | Buffer;
type Fields = readonly Argument[];

/** Stores jobs of one queue as they stood elsewhere, each by one script. */
export class Storing {
  private readonly batches = new Map<string, Batched | undefined>();

  constructor(
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  async store(jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    defineStoring(this.connections.publishing.adapted);
    const results: StoreResult[] = [];
    for (let from = 0; from < jobs.length; from += AT_A_TIME) {
      results.push(...(await Promise.all(jobs.slice(from, from + AT_A_TIME).map((job) => this.storeOne(job)))));
    }
    return results;
  }

  private storeOne(job: StoredState): Promise<StoreResult> {
    const { state } = job;
    if (state !== 'waiting' && state !== 'delayed') return this.storeEnded(job, state);
    return this.storeLiving(job);
  }

  private async storeLiving(state: StoredState): Promise<StoreResult> {
    const { adapted } = this.connections.publishing;
    const job = livingJob(state, Date.now());
    const call = await this.scripts.callThatAdds(job);
    const { name, numberOfKeys } = storingBy(adapted, call.name);
    const args = call.args.map((value) => (value ?? '') as Argument);
    const fields = [...countFields(state), ...(state.readyAt === undefined ? [] : [READY_FIELD, state.readyAt])];
    const keys = [...args.slice(0, numberOfKeys), this.scripts.toKey(job.id)];
    return this.run(name, [...keys, JSON.stringify(fields.map(String)), ...args.slice(numberOfKeys)]);
  }

  private async storeEnded(job: StoredState, state: 'completed' | 'failed' | 'expired'): Promise<StoreResult> {
    const now = Date.now();
    const endedAt = Math.floor(job.endedAt ?? now);
    const { content } = job;
    const storedAt = Math.floor(job.storedAt ?? endedAt);
    const id = bullmqId(content.id);
    const fields: Fields = [
      ...fieldsOf(isUnreadable(content) ? unreadableJob(content, storedAt) : newJob(content, storedAt)),
      ...['timestamp', storedAt, 'delay', 0, 'finishedOn', endedAt],
      ...countFields(job),
      ...[ATTEMPTS_FIELD, job.attempts],
      ...(job.reason === undefined ? [] : [REASON_FIELD, job.reason]),
      ...(state === 'completed' ? ['returnvalue', 'null'] : ['failedReason', job.reason ?? '']),
    ];
    const { [state]: ended, meta, id: counter } = this.scripts.keys;
    return this.run(STORE_ENDED, [
      this.scripts.toKey(id),
      ended ?? '',
      meta ?? '',
      counter ?? '',
      id,
      endedAt,
      ...fields,
    ]);
  }

  private async run(name: string, args: Fields): Promise<StoreResult> {
    const { adapted } = this.connections.publishing;
    const alone = (each: readonly unknown[]): Promise<unknown> => adapted.runCommand(name, [...each]);
    // What goes together has as many arguments.
    const kind = `${name}:${args.length}`;
    if (!this.batches.has(kind)) this.batches.set(kind, Batched.of(adapted, name, alone));
    return resultOf(await (this.batches.get(kind)?.call(args) ?? alone(args)));
  }
}

/** The job that it becomes: where it is delayed, until it was elsewhere, whatever its message says. */
function livingJob(stood: StoredState, now: number): NewJob {
  const timestamp = Math.floor(Math.min(stood.storedAt ?? now, now));
  const content = contentFrom(stood, now);
  const job = isUnreadable(content) ? unreadableJob(content, timestamp) : newJob(content, timestamp);
  const { delay: _asPublished, ...options } = job.options;
  const start = Math.ceil(startOf(stood, now));
  return { ...job, options: start > now ? { ...options, delay: start - timestamp } : options };
}

/** The next start is the next attempt; of one that failed it is the first again. */
function countFields({ state, attempts, failures }: StoredState): Fields {
  const hasEnded = state === 'failed' || state === 'expired';
  const { error } = failures.at(-1) ?? {};
  const stack = error?.stack ?? (error && `${error.name}: ${error.message}`);
  return [
    ...['ats', attempts, 'atm', attempts, UNCOUNTED_FIELD, hasEnded ? attempts : 0],
    ...(failures.length > 0 ? [FAILURES_FIELD, JSON.stringify(failures)] : []),
    ...(stack === undefined ? [] : ['stacktrace', JSON.stringify([stack])]),
  ];
}

function fieldsOf({ name, data, options }: NewJob): Fields {
  return ['name', name, 'data', data, 'opts', JSON.stringify(options), 'priority', Number(options['priority'])];
}

/** So that it fails again as it did: what is no message has no name here, and what is damaged a message without text. */
function unreadableJob({ id, bytes, kind }: Unreadable, timestamp: number): NewJob {
  const options = { priority: toBullmq(DEFAULT_PRIORITY), ...(kind === 'damaged' ? { [MESSAGE_OPTION]: '' } : {}) };
  const name = kind === 'damaged' ? 'damaged' : '';
  return { id: bullmqId(id), name, data: Buffer.from(bytes), timestamp, options };
}

function resultOf(reply: unknown): StoreResult {
  if (reply === 1) return 'stored';
  if (reply === 0) return 'there';
  return { refused: `BullMQ's script answers ${String(reply)}` };
}
