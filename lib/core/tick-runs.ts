import type { ReceivedMessage } from './message.js';
import type { Ending, Outcome } from './outcome.js';
import type { Records } from './records.js';
import type { MiddlewareRun, RunMiddleware } from './run-middleware.js';
import { TICK_KNOWN_MS, tickRecord, type TickState } from './ticks.js';

const DONE_BEFORE: Ending = { kind: 'superseded', reason: 'repeated' };

/**
 * Keeps the ticks of recurring jobs known for a day after their jobs: a process that dies between publishing and saying so
 * would else have its tick published again.
 */
export class TickRuns implements RunMiddleware {
  constructor(private readonly records: Records) {}

  concerns({ headers }: ReceivedMessage): boolean {
    return headers['tick'] !== undefined;
  }

  async starting({ message, ref }: MiddlewareRun): Promise<Ending | undefined> {
    const record = await this.records.get(tickRecord(message.id));
    if (record?.text === ('completed' satisfies TickState) && ref.attempt === 1) return DONE_BEFORE;
    await this.records.set(tickRecord(message.id), 'published' satisfies TickState, TICK_KNOWN_MS);
    return undefined;
  }

  async settling({ message }: MiddlewareRun, outcome: Outcome): Promise<Outcome> {
    const state: TickState = outcome.kind === 'completed' ? 'completed' : 'published';
    await this.records.set(tickRecord(message.id), state, TICK_KNOWN_MS);
    return outcome;
  }
}
