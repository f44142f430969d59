import { pause, systemClock, type Clock } from './clock.js';
import type { Backlog, DroppedJob } from './backlog.js';
import type { JobEvents } from './events.js';
import { fitting, holds, loadOf, NO_LOAD, plus, tooMany, type Load, type QueueLimits } from './queue-limits.js';

/** For how long what waits in a queue is taken to be known: others may publish to it meanwhile. Milliseconds. */
const FRESH_MS = 100;
/** The same for a queue that is not half full, as far as is known. */
const FRESH_WHILE_ROOMY_MS = 1_000;

/** The pauses between two looks for room. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 250;

export interface RoomSetup {
  readonly queue: string;
  readonly limits: QueueLimits;
  readonly backlog: Backlog;
  /** The engine's. */
  readonly clock: Clock;
  readonly events: JobEvents;
  /** Hears of the jobs that had to make room. Never rejects. */
  readonly dropped: (jobs: readonly DroppedJob[]) => Promise<void>;
}

/** How many jobs there was room for, the first ones; where there was for none, what waits. */
export interface Granted {
  readonly count: number;
  readonly waiting: Load;
}

interface Entry {
  /** The bytes of each job. */
  readonly sizes: readonly number[];
  /** Whether it waits for room. */
  readonly patient: boolean;
  readonly grant: (granted: Granted) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * The room in one queue, as this process knows it. What waits there is at most what was told when it was last asked, and
 * what was published here since: as long as that is within the limits, nobody is asked. Else those who publish stand in
 * line until nothing is under way, so that the next answer holds for this process to the job.
 */
export class QueueRoom {
  private asked: { readonly load: Load; readonly at: number } | undefined;
  /** What was given room since then. */
  private since = NO_LOAD;
  private underWay = 0;
  private readonly line: Entry[] = [];
  private working = false;
  private wake: () => void = () => undefined;

  constructor(private readonly setup: RoomSetup) {}

  /** Whether the engine has told what waits. */
  get isKnown(): boolean {
    return this.asked !== undefined;
  }

  /** What waits at most, as far as is known. */
  get waiting(): Load {
    return plus(this.asked?.load ?? NO_LOAD, this.since);
  }

  /** Gives room to all these jobs where that is known to be there. */
  tryTake(sizes: readonly number[]): boolean {
    const after = plus(this.waiting, loadOf(sizes));
    if (this.working || !holds(this.setup.limits, after) || !this.isFresh(after)) return false;
    this.give(sizes);
    return true;
  }

  /**
   * Gives room to as many of these jobs as there is for, to none where it is full; who is patient waits for room for
   * one at least. Rejects where the engine fails.
   *
   * @returns `leave` gives the wait up; false where it is over
   */
  take(sizes: readonly number[], patient: boolean): { readonly granted: Promise<Granted>; leave(): boolean } {
    let leave = (): boolean => false;
    const granted = new Promise<Granted>((resolve, reject) => {
      const entry: Entry = { sizes, patient, grant: resolve, fail: reject };
      leave = () => this.remove(entry);
      this.line.push(entry);
    });
    if (this.working) this.wake();
    else void this.work();
    return { granted, leave };
  }

  /** Hears that what was given room is published, or is not, and what of it is surely not stored. */
  settled(unstored: Load): void {
    this.underWay -= 1;
    this.since = { jobs: this.since.jobs - unstored.jobs, bytes: this.since.bytes - unstored.bytes };
    this.wake();
  }

  private isFresh(after: Load): boolean {
    if (!this.asked) return false;
    const roomy = holds(this.setup.limits, plus(after, after));
    return systemClock.monotonic() - this.asked.at <= (roomy ? FRESH_WHILE_ROOMY_MS : FRESH_MS);
  }

  private give(sizes: readonly number[]): void {
    this.since = plus(this.since, loadOf(sizes));
    this.underWay += 1;
  }

  private remove(entry: Entry): boolean {
    const at = this.line.indexOf(entry);
    if (at >= 0) this.line.splice(at, 1);
    if (this.line.length === 0) this.wake();
    return at >= 0;
  }

  /** Serves the line until nobody stands in it. Never rejects. */
  private async work(): Promise<void> {
    this.working = true;
    for (let pauseMs = FIRST_PAUSE_MS; this.line.length > 0;) {
      if (this.underWay > 0) {
        await new Promise<void>((resolve) => (this.wake = resolve));
        continue;
      }
      // From before the question on: the answer may be over when it comes.
      const changed = this.nextChange();
      try {
        await this.ask();
        await this.serve();
      } catch (error) {
        for (const entry of this.line.splice(0)) entry.fail(error);
      }
      if (this.line.length > 0 && this.underWay === 0) {
        await pause(this.setup.clock, pauseMs, changed.signal);
        pauseMs = changed.signal.aborted ? FIRST_PAUSE_MS : Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
      }
      changed.end();
    }
    this.wake = () => undefined;
    this.working = false;
  }

  private async ask(): Promise<void> {
    const { queue, backlog, limits } = this.setup;
    const at = systemClock.monotonic();
    const [jobs, bytes] = await Promise.all([
      backlog.jobs(queue),
      limits.maxBytes === undefined ? 0 : (backlog.bytes?.(queue) ?? 0),
    ]);
    this.asked = { load: { jobs, bytes }, at };
    this.since = NO_LOAD;
  }

  private async serve(): Promise<void> {
    // What is given room now is under way: nobody knows what waits, until it has come.
    if (!this.grant() && this.setup.limits.whenFull === 'drop-oldest') await this.makeRoom();
    if (this.setup.limits.whenFull !== 'drop-oldest') this.refuse((entry) => !entry.patient);
  }

  /** Drops the oldest jobs until there is room for those who stand in line, or for the first of them at least. */
  private async makeRoom(): Promise<void> {
    const { queue, backlog, limits, dropped } = this.setup;
    while (this.line.length > 0 && !this.grant()) {
      const sizes = this.line.flatMap((entry) => entry.sizes);
      const jobs = (await backlog.dropOldest?.(queue, tooMany(limits, this.waiting, sizes))) ?? [];
      await dropped(jobs);
      await this.ask();
      if (jobs.length === 0 && !this.grant()) return this.refuse(() => true);
    }
  }

  /** Gives room to those who stand in front, as far as there is; false where there is for none. */
  private grant(): boolean {
    let granted = false;
    for (let first = this.line[0]; first; first = this.line[0]) {
      const count = fitting(this.setup.limits, this.waiting, first.sizes);
      if (count === 0) break;
      this.line.shift();
      this.give(first.sizes.slice(0, count));
      first.grant({ count, waiting: this.waiting });
      granted = true;
    }
    return granted;
  }

  private refuse(whom: (entry: Entry) => boolean): void {
    const { waiting } = this;
    for (const entry of this.line.filter(whom)) {
      this.remove(entry);
      entry.grant({ count: 0, waiting });
    }
  }

  /** Aborts when this process has taken a job off the queue, or somebody comes or leaves. */
  private nextChange(): { readonly signal: AbortSignal; readonly end: () => void } {
    const { queue, events } = this.setup;
    const changed = new AbortController();
    this.wake = () => changed.abort();
    const ends = (['started', 'failed', 'expired'] as const).map((name) =>
      events.on(name, ({ job }) => {
        if (job.queue === queue) changed.abort();
      }),
    );
    const end = (): void => ends.forEach((each) => each());
    return { signal: changed.signal, end };
  }
}
