import type { Backend } from '../core/backend.js';
import type { InspectedJob, Inspector, JobState, StoredState } from '../core/inspector.js';
import { show } from '../core/show.js';
import { Engine } from './engine.js';
import { handBackAll } from './handing-back.js';
import { MoveTally, type LeftJob, type MoveReport } from './move-report.js';
import { isSameJob, storedStateOf } from './moved-job.js';
import { copyRecords, movePauses } from './moved-records.js';
import { isSameEngine } from './same-engine.js';

export interface MoveOptions {
  /** Default: all queues of the source. */
  readonly queues?: readonly string[] | undefined;
  /** Hears of each job that is left where it is. */
  readonly onLeft?: (job: LeftJob) => void;
  /** Hears how many jobs were moved, of how many there were at the beginning, where that is known. */
  readonly onProgress?: (moved: number, expected: number | undefined) => void;
  /** Hears what is waited for. */
  readonly onWaiting?: (message: string) => void;
  /** Ends it after the batch that is on its way. */
  readonly signal?: AbortSignal;
}

type MovedState = StoredState['state'];

/** Living ones first: where an id is also that of one that has ended, that is the one to be left. */
const STATES: readonly MovedState[] = ['waiting', 'delayed', 'failed', 'expired', 'completed'];
const BATCH = 200;
/** How long an engine may take for a batch. Milliseconds. */
const DEADLINE_MS = 60_000;

/**
 * Moves all jobs of one engine to another, each with all that it is, in their order. No worker may be at work on either.
 *
 * 1. a batch is read from the source
 * 2. it is stored in the target, which leaves alone what it has already
 * 3. what is kept beside its jobs goes along
 * 4. those that are in the target for sure are removed from the source
 *
 * Killed at any moment, it can be begun again: a job is in the source, or in the target, or, between 2 and 4, in both, and
 * is then found to be the same. What the target refuses is told, and stays where it is.
 */
export class Move {
  private readonly from: Engine;
  private readonly to: Engine;
  private readonly tally: MoveTally;
  /** Those that are not to be tried again. */
  private readonly refused = new Set<string>();
  private expected: number | undefined;

  constructor(
    private readonly source: Backend,
    target: Backend,
    private readonly options: MoveOptions = {},
  ) {
    this.from = new Engine(source, DEADLINE_MS);
    this.to = new Engine(target, DEADLINE_MS);
    this.tally = new MoveTally(options.onLeft ?? (() => undefined));
  }

  /** What was done so far. */
  get report(): MoveReport {
    return this.tally.report;
  }

  /** @throws Error where both are one engine, or one can't be operated; what an engine that fails throws */
  async run(): Promise<MoveReport> {
    const { records } = this.from;
    if (records && this.to.records && (await isSameEngine(records, this.to.records))) {
      throw new TypeError('expected two engines, got one that is both source and target');
    }
    const queues = this.options.queues ?? (await this.from.ask('tell its queues', this.inspector.queues()));
    this.target('store jobs');
    const { name, findsDuplicates } = this.to.traits;
    if (!findsDuplicates) {
      this.tally.note(
        `${name} does not tell one job of an id from another: where a move to it is killed, some may be there twice`,
      );
    }
    if (records && this.to.records) await movePauses(records, this.to.records, new Set(queues), this.from.now);
    this.expected = await this.count(queues);
    for (const queue of queues) await this.moveQueue(queue);
    if (this.options.signal?.aborted) this.tally.complete = false;
    return this.report;
  }

  private get inspector(): Inspector {
    return this.from.inspector('list jobs');
  }

  private target(action: string): Inspector {
    return this.to.inspector(action);
  }

  private get isEnded(): boolean {
    return this.options.signal?.aborted ?? false;
  }

  /** Until nothing is left that can be moved: what falls due, or comes back from a dead worker, comes in its turn. */
  private async moveQueue(queue: string): Promise<void> {
    for (let isNews = true; isNews && !this.isEnded;) {
      isNews = false;
      for (const state of STATES) if (await this.moveState(queue, state)) isNews = true;
      if (!isNews && !this.isEnded) isNews = await this.bringBack(queue);
    }
  }

  /** Whether any was moved. */
  private async moveState(queue: string, state: MovedState): Promise<boolean> {
    const before = this.tally.total;
    const why = this.whyNot(state);
    if (why !== undefined) {
      await this.leaveAll(queue, state, why);
      return false;
    }
    const isHead = this.inspector.abilities.list[state] === 'head';
    for (let cursor: string | undefined; !this.isEnded;) {
      const listing = this.inspector.list(queue, state, { limit: BATCH, cursor });
      const page = await this.from.ask(`list ${state} jobs of queue ${show(queue)}`, listing);
      const gone = await this.moveBatch(
        queue,
        state,
        page.jobs.filter((job) => !this.refused.has(nameOf(job))),
      );
      this.options.onProgress?.(this.tally.total, this.expected);
      // The first page again, for what came behind it has moved up.
      if (gone > 0 && (isHead || (cursor === undefined && gone === page.jobs.length))) continue;
      if (isHead && page.jobs.length > 0) {
        this.tally.addGroup({ queue, state, count: undefined, why: 'the engine shows none behind one that is left' });
      }
      if (isHead || page.cursor === undefined) break;
      cursor = page.cursor;
    }
    return this.tally.total > before;
  }

  /** How many have left the source. */
  private async moveBatch(queue: string, state: MovedState, jobs: readonly InspectedJob[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const states = jobs.map((job) => storedStateOf(job, state));
    const results = await this.to.ask(
      `store jobs of queue ${show(queue)}`,
      this.target('store jobs').store(queue, states),
    );
    const safe: InspectedJob[] = [];
    for (const [index, job] of jobs.entries()) {
      const result = results[index];
      if (result === 'stored') safe.push(job);
      else if (result === 'there') {
        if (await this.isThere(job)) {
          safe.push(job);
          this.tally.there += 1;
        } else this.leave(job, `the target has another job of this id in queue ${show(queue)}`);
      } else this.leave(job, result?.refused ?? 'the target does not say what became of it');
    }
    await this.moveRecords(safe);
    return this.remove(queue, state, safe);
  }

  private async isThere(job: InspectedJob): Promise<boolean> {
    const finding = this.target('find a job').get(job.queue, job.content.id);
    const found = await this.to.ask(`find job ${show(job.content.id)}`, finding);
    return found.some((other) => isSameJob(job, other));
  }

  private async moveRecords(jobs: readonly InspectedJob[]): Promise<void> {
    const [from, to] = [this.from.records, this.to.records];
    if (!from || !to) return;
    await Promise.all(
      jobs.map(async (job) => {
        const taken = await copyRecords(from, to, job, this.from.now);
        if (taken.length > 0) {
          this.tally.note(
            `job ${show(job.content.id)} of queue ${show(job.queue)} has a unique key that another has in the target`,
          );
        }
      }),
    );
  }

  private async remove(queue: string, state: JobState, jobs: readonly InspectedJob[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const places = jobs.map(({ key }) => ({ key, state }));
    const removing = this.inspector.change(queue, places, { kind: 'remove' });
    const results = await this.from.ask(`remove jobs of queue ${show(queue)}`, removing);
    let gone = 0;
    for (const [index, job] of jobs.entries()) {
      if (results[index] === 'done' || (await this.isGone(job))) {
        gone += 1;
        this.tally.addMoved(state);
      } else await this.takeBack(job);
    }
    return gone;
  }

  /** Whether it has left the source: removed there by another that moves, too. */
  private async isGone(job: InspectedJob): Promise<boolean> {
    const found = await this.from.ask(
      `find job ${show(job.content.id)}`,
      this.inspector.get(job.queue, job.content.id),
    );
    return found.length === 0;
  }

  /** A worker of the source has it after all: it is not to be in both. */
  private async takeBack(job: InspectedJob): Promise<void> {
    const target = this.target('find a job');
    const found = await this.to.ask('find a job', target.get(job.queue, job.content.id));
    const copies = found.filter((other) => isSameJob(job, other));
    await this.to.ask('remove a job', target.change(job.queue, copies, { kind: 'remove' }));
    this.leave(job, 'it went on in the source while it was moved');
  }

  /** Whether jobs of dead workers came back. */
  private async bringBack(queue: string): Promise<boolean> {
    const left = await handBackAll(this.source, this.from, queue, this.options);
    if (left === 0) return false;
    const { active } = await this.from.ask('count jobs', this.inspector.counts(queue));
    if (active) {
      const why = 'workers handle them; stop those, and move again';
      this.tally.addGroup({ queue, state: 'active', count: active, why });
    }
    return left === 'came back';
  }

  private leave(job: InspectedJob, why: string): void {
    this.refused.add(nameOf(job));
    this.tally.addLeft({ queue: job.queue, id: job.content.id, state: job.state, why });
  }

  /** Why no job of a state can be moved; undefined: they can. */
  private whyNot(state: MovedState): string | undefined {
    const abilities = [this.inspector.abilities.list[state], this.target('store jobs').abilities.store[state]];
    return abilities.map((ability) => (typeof ability === 'string' ? undefined : ability.cannot)).find(Boolean);
  }

  private async leaveAll(queue: string, state: MovedState, why: string): Promise<void> {
    const counts = await this.from.ask('count jobs', this.inspector.counts(queue));
    const count = counts[state];
    // Nobody can list, count or keep what is gone; what may still run is told.
    if (count === 0 || (count === undefined && (state === 'completed' || state === 'expired'))) return;
    this.tally.addGroup({ queue, state, count, why });
  }

  private async count(queues: readonly string[]): Promise<number | undefined> {
    const all = await Promise.all(queues.map((queue) => this.from.ask('count jobs', this.inspector.counts(queue))));
    return all.reduce(
      (sum, counts) => sum + [...STATES, 'active' as const].reduce((one, state) => one + (counts[state] ?? 0), 0),
      0,
    );
  }
}

function nameOf({ queue, key }: InspectedJob): string {
  return `${queue} ${key}`;
}
