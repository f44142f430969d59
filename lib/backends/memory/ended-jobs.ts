import type { StoredJob } from './memory-job.js';

/** How many are remembered, and with how many characters of payloads. */
const KEPT = 1_000;
const KEPT_CHARACTERS = 10_000_000;

/** The jobs of one end that a queue remembers: the last ones, so that operators see them. */
export class EndedJobs {
  private jobs: StoredJob[] = [];
  private characters = 0;

  get all(): readonly StoredJob[] {
    return this.jobs;
  }

  add(job: StoredJob): void {
    this.jobs.push(job);
    this.characters += charactersOf(job);
    while (this.jobs.length > KEPT || (this.characters > KEPT_CHARACTERS && this.jobs.length > 1)) {
      this.characters -= charactersOf(this.jobs.shift() as StoredJob);
    }
  }

  /** False where it is not remembered. */
  remove(serial: number): boolean {
    const index = this.jobs.findIndex((job) => job.serial === serial);
    const [job] = index < 0 ? [] : this.jobs.splice(index, 1);
    if (job) this.characters -= charactersOf(job);
    return job !== undefined;
  }

  find(id: string): readonly StoredJob[] {
    return this.jobs.filter((job) => job.content.id === id);
  }
}

function charactersOf({ content }: StoredJob): number {
  return 'body' in content ? content.body.length : content.bytes.length;
}
