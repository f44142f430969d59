import type { JobState } from '../core/inspector.js';

/** A job that was left where it is. */
export interface LeftJob {
  readonly queue: string;
  readonly id: string;
  readonly state: JobState;
  /** Why, as a sentence. */
  readonly why: string;
}

/** Jobs that were left where they are, and can't be told one by one. */
export interface LeftGroup {
  readonly queue: string;
  readonly state: JobState;
  /** Undefined: nobody can tell. */
  readonly count: number | undefined;
  readonly why: string;
}

/** What a move has done. */
export interface MoveReport {
  /** How many jobs are in the target now that were in the source when it began, by their state. */
  readonly moved: Readonly<Partial<Record<JobState, number>>>;
  readonly total: number;
  /** How many of them were there already, from a move that was broken off. */
  readonly there: number;
  readonly left: number;
  readonly groups: readonly LeftGroup[];
  /** What else is not as it was. */
  readonly notes: readonly string[];
  /** Whether all had their turn. */
  readonly complete: boolean;
}

/** Counts what a move does. */
export class MoveTally {
  private readonly moved: Partial<Record<JobState, number>> = {};
  private readonly groups: LeftGroup[] = [];
  private readonly notes = new Set<string>();
  total = 0;
  there = 0;
  left = 0;
  complete = true;

  /** @param toldLeft hears of each job that is left */
  constructor(private readonly toldLeft: (job: LeftJob) => void) {}

  addMoved(state: JobState): void {
    this.moved[state] = (this.moved[state] ?? 0) + 1;
    this.total += 1;
  }

  addLeft(job: LeftJob): void {
    this.left += 1;
    this.toldLeft(job);
  }

  addGroup(group: LeftGroup): void {
    const isKnown = this.groups.some(({ queue, state }) => queue === group.queue && state === group.state);
    if (!isKnown) this.groups.push(group);
  }

  note(note: string): void {
    this.notes.add(note);
  }

  get report(): MoveReport {
    const { moved, total, there, left, groups, notes, complete } = this;
    return { moved, total, there, left, groups, notes: [...notes], complete };
  }
}
