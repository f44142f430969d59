import type { Clock } from './clock.js';
import type { ReceivedMessage } from './message.js';
import type { Ending, Outcome } from './outcome.js';
import type { Records } from './records.js';
import type { MiddlewareRun, RunMiddleware } from './run-middleware.js';
import { holderText, LONGEST_HOLD_MS, supersededRecord, uniqueRecord } from './unique.js';

const SUPERSEDED: Ending = { kind: 'superseded', reason: 'replaced' };

/** Keeps the keys of unique jobs taken, and frees them, as the jobs go through their states. */
export class UniqueRuns implements RunMiddleware {
  constructor(
    private readonly records: Records,
    private readonly clock: Clock,
  ) {}

  concerns({ headers }: ReceivedMessage): boolean {
    return headers['unique_key'] !== undefined;
  }

  async starting({ message, ref }: MiddlewareRun): Promise<Ending | undefined> {
    const { key, text, state, ttlMs } = this.taken(message, ref.queue);
    if (await this.records.get(supersededRecord(ref))) return SUPERSEDED;
    if (state === 'waiting') await this.records.delete(key, text);
    else if (ttlMs > 0 && state === 'active') await this.records.claim(key, text, ttlMs);
    // It may have been taken for a moment only, by a publisher that died.
    else if (ttlMs > 0 && state === 'any') await this.records.swap(key, text, text, ttlMs);
    return undefined;
  }

  async settling({ message, ref }: MiddlewareRun, outcome: Outcome): Promise<Outcome> {
    const { key, text, state, ttlMs } = this.taken(message, ref.queue);
    const goesOn = outcome.kind === 'retried' || outcome.kind === 'blocked' || outcome.kind === 'handedBack';
    if (outcome.kind === 'dropped') await this.records.delete(supersededRecord(ref));
    if (state === 'time') return outcome;
    if (!goesOn || state === 'active') await this.records.delete(key, text);
    else if (ttlMs > 0 && state === 'waiting') await this.records.claim(key, text, ttlMs);
    return outcome;
  }

  private taken({ id, name, headers }: ReceivedMessage, queue: string): TakenKey {
    const until = Number(headers['unique_until'] ?? NaN);
    return {
      key: uniqueRecord(name, headers['unique_key'] ?? ''),
      text: holderText({ id, queue }),
      state: headers['unique_while'],
      ttlMs: Number.isNaN(until) ? LONGEST_HOLD_MS : until - this.clock.now(),
    };
  }
}

interface TakenKey {
  /** Of the record. */
  readonly key: string;
  readonly text: string;
  readonly state: string | undefined;
  /** For how long it may still be taken. */
  readonly ttlMs: number;
}
