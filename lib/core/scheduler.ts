import type { Backend } from './backend.js';
import { pause, type Clock } from './clock.js';
import { dueTicks } from './due-ticks.js';
import { messageOf } from './errors.js';
import { PublishError } from './publish-error.js';
import type { Publisher } from './publisher.js';
import type { Records } from './records.js';
import type { Reporter } from './reporter.js';
import type { Schedule } from './schedule.js';
import { isClaimed, takeTick } from './tick-claims.js';
import {
  CLAIM_KNOWN_MS,
  CLAIM_MS,
  LAST_TICK_KNOWN_MS,
  lastTickRecord,
  TICK_KNOWN_MS,
  tickId,
  tickRecord,
  type TickState,
} from './ticks.js';

/** What a scheduler needs. */
export interface SchedulerSetup {
  readonly backend: () => Promise<Backend>;
  /** Publishes the job of a tick. */
  readonly publish: Publisher['publishTick'];
  readonly clock: Clock;
  readonly reporter: Reporter;
}

/** The longest that it sleeps, so that a clock that was set is noticed. Milliseconds. */
const LONGEST_SLEEP_MS = 60_000;
const RETRY_MS = 1_000;
/** How many ticks before its start are looked at: more than come within the time that claims are known, in the densest pattern. */
const MOST_LOOKED_BACK = CLAIM_KNOWN_MS / 1_000 + 1;

/**
 * Publishes the jobs of schedules, each tick once over all processes that share the engine:
 *
 * 1. who claims the tick's record first publishes its job, under an id made of the schedule's name and the moment
 * 2. then the record says that it is published, for longer than the job lives
 * 3. if it does not say so in time, its process has died, and another claims it: one that has known the tick, or one that
 *    has started since, and looks back
 */
export class Scheduler {
  private readonly running = new Map<string, RunningSchedule>();

  constructor(private readonly setup: SchedulerSetup) {}

  /** When the next tick is due. Milliseconds since 1970. */
  get nextAt(): number | undefined {
    const times = [...this.running.values()].map((one) => one.nextAt ?? Infinity);
    const next = Math.min(...times);
    return next === Infinity ? undefined : next;
  }

  /** Whether a tick is being published. */
  get isBusy(): boolean {
    return [...this.running.values()].some((one) => one.isBusy);
  }

  /**
   * Publishes its ticks from now on, until it is stopped. One that catches up begins with those that were missed.
   *
   * @throws Error where there is one of its name already
   */
  add(schedule: Schedule): { readonly nextAt: number | undefined; stop(): void } {
    if (this.running.has(schedule.name)) {
      throw new Error(
        `there is a schedule "${schedule.name}" already; give one of them another name, by which the fleet knows it`,
      );
    }
    const one = new RunningSchedule(schedule, this.setup);
    this.running.set(schedule.name, one);
    one.start();
    return {
      get nextAt() {
        return one.nextAt;
      },
      stop: () => {
        one.stop();
        if (this.running.get(schedule.name) === one) this.running.delete(schedule.name);
      },
    };
  }

  stop(): void {
    for (const one of this.running.values()) one.stop();
    this.running.clear();
  }
}

/** One schedule at work. */
class RunningSchedule {
  nextAt: number | undefined;
  private seen: number;
  private busy = 0;
  private readonly stopping = new AbortController();
  private cancelTimer: (() => void) | undefined;
  private cancelLook: (() => void) | undefined;

  constructor(
    private readonly schedule: Schedule,
    private readonly setup: SchedulerSetup,
  ) {
    this.seen = setup.clock.now();
    this.nextAt = schedule.nextAfter(this.seen);
  }

  get isBusy(): boolean {
    return this.busy > 0;
  }

  start(): void {
    const { seen } = this;
    const before = this.schedule.lastUntil(seen, MOST_LOOKED_BACK).filter((tick) => seen - tick < CLAIM_KNOWN_MS);
    if (before.length > 0) void this.whileBusy(() => this.lookBack(before, seen));
    if (this.schedule.catchUp === 'none') this.sleep();
    else void this.whileBusy(() => this.catchUp());
  }

  stop(): void {
    this.stopping.abort();
    this.cancelTimer?.();
    this.cancelLook?.();
    this.nextAt = undefined;
  }

  /**
   * Sees to ticks before its start that others were about to publish: all who knew of one may have died. One that nobody had
   * claimed yet is looked at again, for somebody may just have been about to.
   */
  private async lookBack(ticks: readonly number[], since: number): Promise<void> {
    const { name } = this.schedule;
    const texts = await this.insistently('what others have left', async (records) => {
      const known = await Promise.all(ticks.map((tick) => records.get(tickRecord(tickId(name, tick)))));
      return known.map((record) => record?.text);
    });
    if (!texts || this.stopping.signal.aborted) return;
    const fresh = ticks.filter((tick, index) => texts[index] === undefined && since - tick < CLAIM_MS);
    if (fresh.length > 0) this.lookAgain(fresh);
    await this.publishAll(ticks.filter((_, index) => isClaimed(texts[index] ?? '')));
  }

  private lookAgain(ticks: readonly number[]): void {
    this.cancelLook = this.setup.clock.after(CLAIM_MS, () => {
      void this.whileBusy(() => this.lookBack(ticks, this.setup.clock.now()));
    });
  }

  private async catchUp(): Promise<void> {
    const last = await this.insistently('what was published before', async (records) => {
      const record = await records.get(lastTickRecord(this.schedule.name));
      return record ? Date.parse(record.text) : NaN;
    });
    if (last !== undefined && last < this.seen) this.seen = last;
    this.wake();
  }

  private sleep(): void {
    if (this.stopping.signal.aborted) return;
    this.nextAt = this.schedule.nextAfter(this.seen);
    if (this.nextAt === undefined) return;
    const ms = Math.max(this.nextAt - this.setup.clock.now(), 0);
    this.cancelTimer = this.setup.clock.after(Math.min(ms, LONGEST_SLEEP_MS), () => this.wake());
  }

  private wake(): void {
    if (this.stopping.signal.aborted) return;
    const now = this.setup.clock.now();
    const { ticks, skips } = dueTicks(this.schedule, this.seen, now);
    const { name } = this.schedule;
    if (skips) this.setup.reporter.warn(`schedule "${name}": ticks were missed, and are left out`);
    // A clock that was set back does not bring a tick again.
    this.seen = ticks.at(-1) ?? this.seen;
    if (ticks.length > 0) void this.whileBusy(() => this.publishAll(ticks));
    this.sleep();
  }

  private async publishAll(ticks: readonly number[]): Promise<void> {
    for (const tick of ticks) {
      await this.insistently(`its tick of ${new Date(tick).toISOString()}`, (records) =>
        this.publishOnce(records, tick),
      );
    }
  }

  /** Sees to it that the tick's job is published, by whomever. */
  private async publishOnce(records: Records, tick: number): Promise<void> {
    const { name, job, payload, options, catchUp } = this.schedule;
    const { clock, publish } = this.setup;
    const id = tickId(name, tick);
    const key = tickRecord(id);
    if (!(await takeTick(records, key, clock, this.stopping.signal))) return;
    await publish(job, payload, { ...options, id });
    await records.set(key, 'published' satisfies TickState, TICK_KNOWN_MS);
    if (catchUp === 'none') return;
    const last = await records.get(lastTickRecord(name));
    if (last && Date.parse(last.text) >= tick) return;
    await records.set(lastTickRecord(name), new Date(tick).toISOString(), LAST_TICK_KNOWN_MS);
  }

  /** Tries as long as the engine fails and the schedule is not stopped; says the first failure, and what is refused. */
  private async insistently<T>(what: string, act: (records: Records) => Promise<T>): Promise<T | undefined> {
    const { backend, clock, reporter } = this.setup;
    for (let failures = 0; !this.stopping.signal.aborted; failures++) {
      try {
        return await act(recordsOf(await backend()));
      } catch (error) {
        const lasting = error instanceof PublishError && !error.tried;
        const why = lasting ? 'is left out' : 'waits, for the engine fails';
        if (failures === 0 || lasting)
          reporter.error(`schedule "${this.schedule.name}": ${what} ${why}: ${messageOf(error)}`);
        if (lasting) return undefined;
      }
      await pause(clock, RETRY_MS, this.stopping.signal);
    }
    return undefined;
  }

  private async whileBusy(act: () => Promise<void>): Promise<void> {
    this.busy += 1;
    try {
      await act();
    } finally {
      this.busy -= 1;
    }
  }
}

/** @throws PublishError where the engine has none */
export function recordsOf({ records, traits }: Backend): Records {
  if (records) return records;
  throw new PublishError(
    `${traits.name} keeps no records, so that nobody could tell which tick was published already: use a backend that does, ` +
      'as filer, bullmq, beanstalkd and memory do',
  );
}
