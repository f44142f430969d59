import assert from 'node:assert/strict';
import type {
  Ability,
  ChangeResult,
  InspectedJob,
  Inspector,
  JobChange,
  JobPage,
  JobPlace,
  JobState,
  StateCounts,
  StoredState,
  StoreResult,
} from '../../core/inspector.js';
import type { Time } from './time.js';

/** A queue as an operator sees it; answers are waited for, letting time pass. */
export class InspectedQueue {
  constructor(
    readonly inspector: Inspector,
    readonly name: string,
    private readonly time: Time,
  ) {}

  queues(): Promise<readonly string[]> {
    return this.time.wait('queues to resolve', this.inspector.queues());
  }

  counts(): Promise<StateCounts> {
    return this.time.wait('counts to resolve', this.inspector.counts(this.name));
  }

  page(state: JobState, limit: number, cursor?: string): Promise<JobPage> {
    return this.time.wait('list to resolve', this.inspector.list(this.name, state, { limit, cursor }));
  }

  /** All jobs in a state, page by page. */
  async all(state: JobState, limit = 100): Promise<InspectedJob[]> {
    const jobs: InspectedJob[] = [];
    for (let cursor: string | undefined, pages = 0; pages === 0 || cursor !== undefined; pages++) {
      const page = await this.page(state, limit, cursor);
      assert.ok(page.jobs.length <= limit, `a page of at most ${limit} had ${page.jobs.length}`);
      assert.ok(pages < 1_000, `page after page of the ${state} jobs, without an end`);
      jobs.push(...page.jobs);
      cursor = page.cursor;
    }
    return jobs;
  }

  /** The ids of all jobs in a state, in their order. */
  async ids(state: JobState, limit?: number): Promise<string[]> {
    return (await this.all(state, limit)).map(({ content }) => content.id);
  }

  /** The only job in a state. */
  async single(state: JobState): Promise<InspectedJob> {
    const jobs = await this.all(state);
    assert.equal(jobs.length, 1, `expected one ${state} job, got ${jobs.length}`);
    return jobs[0];
  }

  get(id: string): Promise<readonly InspectedJob[]> {
    return this.time.wait('get to resolve', this.inspector.get(this.name, id));
  }

  change(change: JobChange, ...places: readonly JobPlace[]): Promise<readonly ChangeResult[]> {
    return this.time.wait('change to resolve', this.inspector.change(this.name, places, change));
  }

  /** Changes a job that is where it is said to be. */
  async changes(change: JobChange, ...places: readonly JobPlace[]): Promise<void> {
    const results = await this.change(change, ...places);
    assert.deepEqual(results, Array(places.length).fill('done'), `expected ${change.kind} to be done`);
  }

  /** Whether jobs, or the next one, of some state can be changed so. */
  can(kind: JobChange['kind']): boolean {
    const { abilities } = this.inspector;
    return kind === 'remove' ? Object.values(abilities.remove).some(isAble) : isAble(abilities[kind]);
  }

  removes(state: JobState): boolean {
    return state !== 'active' && isAble(this.inspector.abilities.remove[state]);
  }

  store(...jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    return this.time.wait('store to resolve', this.inspector.store(this.name, jobs));
  }

  /** Stores jobs that are not there. */
  async stores(...jobs: readonly StoredState[]): Promise<void> {
    assert.deepEqual(await this.store(...jobs), Array(jobs.length).fill('stored'), 'expected the jobs to be stored');
  }
}

function isAble(ability: Ability): boolean {
  return typeof ability === 'string';
}
