import type { Backend, BackendTraits } from '../core/backend.js';
import { droppedJob } from '../core/backlog.js';
import { inTime } from '../core/in-time.js';
import type { Ability, InspectedJob, Inspector } from '../core/inspector.js';
import { letGo } from '../core/letting-go.js';
import type { Records } from '../core/records.js';
import { OperatorTimeoutError, UnsupportedActionError } from './operating-errors.js';

/** What keeps a queue from being operated: there is no inspector. */
const NO_INSPECTOR = 'it has no inspector, which operating jobs needs';
const NO_RECORDS = 'it keeps no records, by which processes hear of each other';

/** An engine as operators ask it: what it can't do is refused with the reason, and no answer is waited for too long. */
export class Engine {
  constructor(
    private readonly backend: Backend,
    readonly deadlineMs: number,
  ) {}

  get name(): string {
    return this.backend.traits.name;
  }

  get traits(): BackendTraits {
    return this.backend.traits;
  }

  /** Now, in milliseconds since 1970. */
  get now(): number {
    return this.backend.clock?.now() ?? Date.now();
  }

  /** Undefined: it keeps none. */
  get records(): Records | undefined {
    return this.backend.records;
  }

  /** Undefined: it has none. */
  get anInspector(): Inspector | undefined {
    return this.backend.inspector;
  }

  /** @throws UnsupportedActionError where there is none */
  inspector(action: string): Inspector {
    const { inspector } = this.backend;
    if (inspector) return inspector;
    throw this.refusal(action, NO_INSPECTOR);
  }

  /** @throws UnsupportedActionError where it keeps none */
  recordsFor(action: string): Records {
    if (this.records) return this.records;
    throw this.refusal(action, NO_RECORDS);
  }

  /** Why there is no inspector; undefined where there is one. */
  get lack(): string | undefined {
    return this.backend.inspector ? undefined : NO_INSPECTOR;
  }

  /** Ends what went along with jobs that were removed before they were handled. Never rejects: else it ends by itself. */
  async letGo(jobs: readonly InspectedJob[]): Promise<void> {
    const unhandled = jobs.filter(({ state }) => state === 'waiting' || state === 'delayed');
    const ends = unhandled.map(({ queue, content }) =>
      letGo(this.backend, { ...droppedJob(content), queue }, 'removed'),
    );
    await Promise.allSettled(ends);
  }

  refusal(action: string, why: string): UnsupportedActionError {
    return new UnsupportedActionError(this.name, action, why);
  }

  /** @throws UnsupportedActionError where the ability says that it can't */
  check(action: string, ability: Ability): void {
    if (typeof ability === 'object') throw this.refusal(action, ability.cannot);
  }

  /**
   * The same as the work, if that is done in time.
   *
   * @param action what was asked for, in messages: `'list failed jobs'`
   * @throws OperatorTimeoutError
   */
  ask<T>(action: string, work: Promise<T>, ms: number = this.deadlineMs): Promise<T> {
    return inTime(work, ms, () => new OperatorTimeoutError(this.name, action, ms));
  }
}
