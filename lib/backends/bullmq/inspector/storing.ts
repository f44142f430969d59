import type { StoredState, StoreResult } from '../../../core/inspector.js';
import { isUnreadable, type Message, type Unreadable } from '../../../core/message.js';
import type { Connections } from '../connections.js';
import { bullmqId } from '../job-id.js';
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
const AT_A_TIME = 200;

type Fields = readonly (string | number | Buffer)[];

/** Stores jobs of one queue as they stood elsewhere, each by one script. */
export class Storing {
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
    const { content, state } = job;
    if (state !== 'waiting' && state !== 'delayed') return this.storeEnded(job, state);
    if (!isUnreadable(content)) return this.storeLiving(job, content);
    return Promise.resolve({
      refused: `BullMQ takes a job that can't be read only as one that has ended: it has no name`,
    });
  }

  private async storeLiving(state: StoredState, message: Message): Promise<StoreResult> {
    const { adapted } = this.connections.publishing;
    const call = await this.scripts.callThatAdds(livingJob(state, message, Date.now()));
    const { name, numberOfKeys } = storingBy(adapted, call.name);
    const args = call.args.map((value) => value ?? '');
    const fields = [...countFields(state), ...(state.readyAt === undefined ? [] : [READY_FIELD, state.readyAt])];
    const keys = [...args.slice(0, numberOfKeys), this.scripts.toKey(bullmqId(message.id))];
    const reply: unknown = await adapted.runCommand(name, [
      ...keys,
      fields.length,
      ...fields,
      ...args.slice(numberOfKeys),
    ]);
    return resultOf(reply);
  }

  private async storeEnded(job: StoredState, state: 'completed' | 'failed' | 'expired'): Promise<StoreResult> {
    const now = Date.now();
    const endedAt = Math.floor(job.endedAt ?? now);
    const { content } = job;
    const id = bullmqId(content.id);
    const fields: Fields = [
      ...(isUnreadable(content) ? unreadableFields(content) : messageFields(newJob(content, now))),
      ...['timestamp', Math.floor(job.storedAt ?? endedAt), 'delay', 0, 'finishedOn', endedAt],
      ...countFields(job),
      ...[ATTEMPTS_FIELD, job.attempts],
      ...(job.reason === undefined ? [] : [REASON_FIELD, job.reason]),
      ...(state === 'completed' ? ['returnvalue', 'null'] : ['failedReason', job.reason ?? '']),
    ];
    const keys = [
      this.scripts.toKey(id),
      this.scripts.toKey(state),
      this.scripts.keys['meta'],
      this.scripts.keys['id'],
    ];
    return resultOf(
      await this.connections.publishing.adapted.runCommand(STORE_ENDED, [...keys, id, endedAt, ...fields]),
    );
  }
}

/** The job that it becomes: where it is delayed, until it was elsewhere, whatever its message says. */
function livingJob({ state, storedAt, readyAt }: StoredState, message: Message, now: number): NewJob {
  const timestamp = Math.floor(Math.min(storedAt ?? now, now));
  const job = newJob({ ...message, readyAt: undefined }, timestamp);
  const { [MESSAGE_OPTION]: asPublished } = newJob(message, timestamp).options;
  const until = state === 'delayed' ? Math.ceil(readyAt ?? message.readyAt ?? 0) : 0;
  const delay = until > now ? { delay: until - timestamp } : {};
  return { ...job, timestamp, options: { ...job.options, ...delay, [MESSAGE_OPTION]: asPublished } };
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

function messageFields({ name, data, options }: NewJob): Fields {
  return ['name', name, 'data', data, 'opts', JSON.stringify(options), 'priority', Number(options['priority'])];
}

/** So that it fails again as it did: what is no message has no name here, and what is damaged a message without text. */
function unreadableFields({ bytes, kind }: Unreadable): Fields {
  const data = Buffer.from(bytes);
  if (kind === 'foreign') return ['data', data];
  return ['name', 'damaged', 'data', data, 'opts', JSON.stringify({ [MESSAGE_OPTION]: '' }), 'priority', 0];
}

function resultOf(reply: unknown): StoreResult {
  if (reply === 1) return 'stored';
  if (reply === 0) return 'there';
  return { refused: `BullMQ's script answers ${String(reply)}` };
}
