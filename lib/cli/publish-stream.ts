import { messageOf } from '../core/errors.js';
import type { NamedRequest } from '../core/job-types.js';
import { PublishError } from '../core/publish-error.js';
import type { PublishedJob } from '../core/published-job.js';
import type { Publisher } from '../core/publisher.js';
import type { Line } from './lines.js';

/** What became of a stream of jobs. */
export interface StreamReport {
  published: number;
  duplicates: number;
  /** Lines that are no jobs. */
  bad: number;
  /** The first line that is not stored: where to go on. Undefined: all are, or were skipped. */
  nextLine: number | undefined;
  /** Whether the job of that line may be stored all the same. */
  maybeStored: boolean;
  /** What it ended by. */
  error: unknown;
}

export interface StreamRules {
  readonly publisher: Publisher;
  /** The job of a line. @throws TypeError */
  readonly read: (text: string) => NamedRequest;
  /** Whether what is no job is left out; else the stream ends there. */
  readonly skipsBad: boolean;
  readonly badLine: (line: number, problem: string) => void;
  readonly progress: (report: StreamReport) => void;
  /** Ends it after the batch that is being stored. */
  readonly signal: AbortSignal;
}

interface Waiting {
  readonly line: number;
  readonly request: NamedRequest;
}

/** What is stored at a time: enough to share its cost, little enough to be held. */
const BATCH_JOBS = 500;
const BATCH_CHARACTERS = 4_000_000;

/** Publishes the jobs of lines, in their order, in batches. Never rejects. */
export async function publishLines(lines: AsyncIterable<Line>, rules: StreamRules): Promise<StreamReport> {
  const report: StreamReport = {
    published: 0,
    duplicates: 0,
    bad: 0,
    nextLine: undefined,
    maybeStored: false,
    error: undefined,
  };
  const stream = new LineStream(rules, report);
  try {
    for await (const { number, text, problem } of lines) {
      if (rules.signal.aborted) {
        await stream.flush();
        report.nextLine ??= number;
        break;
      }
      if (text?.trim() === '') continue;
      if (!(await stream.add(number, text, problem))) break;
    }
    if (report.nextLine === undefined) await stream.flush();
  } catch (error) {
    report.error ??= error;
  }
  return report;
}

class LineStream {
  private batch: Waiting[] = [];
  private characters = 0;

  constructor(
    private readonly rules: StreamRules,
    private readonly report: StreamReport,
  ) {}

  /** Whether the stream is to go on. */
  async add(line: number, text: string | undefined, problem: string | undefined): Promise<boolean> {
    let request: NamedRequest;
    try {
      if (text === undefined) throw new TypeError(problem);
      request = this.rules.read(text);
    } catch (error) {
      return this.bad(line, messageOf(error));
    }
    this.batch.push({ line, request });
    this.characters += text.length;
    if (this.batch.length < BATCH_JOBS && this.characters < BATCH_CHARACTERS) return true;
    return this.flush();
  }

  /** Stores what waits. Whether the stream is to go on. */
  async flush(): Promise<boolean> {
    const { batch } = this;
    this.batch = [];
    this.characters = 0;
    if (batch.length === 0 || (await this.store(batch))) return true;
    if (!isRefusal(this.report.error)) return false;
    // One of them is no job, and nothing was stored: each by itself, to find which.
    this.report.error = undefined;
    this.report.nextLine = undefined;
    for (const one of batch) {
      if (await this.store([one])) continue;
      const { error } = this.report;
      if (!isRefusal(error)) return false;
      this.report.error = undefined;
      this.report.nextLine = undefined;
      if (!(await this.bad(one.line, messageOf(error)))) return false;
    }
    return true;
  }

  /** What came before a bad line is stored whatever becomes of that. */
  private async bad(line: number, problem: string): Promise<boolean> {
    if (!(await this.flush())) return false;
    this.report.bad += 1;
    this.rules.badLine(line, problem);
    if (this.rules.skipsBad) return true;
    this.report.nextLine = line;
    return false;
  }

  private async store(batch: readonly Waiting[]): Promise<boolean> {
    const { publisher, progress } = this.rules;
    const { report } = this;
    try {
      const jobs = await publishAll(
        publisher,
        batch.map((one) => one.request),
      );
      const duplicates = jobs.filter((job) => job.duplicate).length;
      report.duplicates += duplicates;
      report.published += jobs.length - duplicates;
      progress(report);
      return true;
    } catch (error) {
      const stored = error instanceof PublishError ? error.stored : 0;
      report.published += stored;
      report.nextLine = batch[stored]?.line;
      report.maybeStored = error instanceof PublishError && error.maybeStored;
      report.error = error;
      return false;
    }
  }
}

/** One alone by itself, for its error then speaks of no other. */
async function publishAll(publisher: Publisher, requests: readonly NamedRequest[]): Promise<readonly PublishedJob[]> {
  const [first, second] = requests;
  if (!first || second) return publisher.publishMany(requests);
  return [await publisher.publish(first.name, first.payload, first.options)];
}

/** Whether a job was refused before the engine was asked. */
function isRefusal(error: unknown): boolean {
  return error instanceof PublishError && !error.tried && error.stored === 0 && !error.maybeStored;
}
