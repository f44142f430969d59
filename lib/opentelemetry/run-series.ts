import type { Attributes, ObservableResult } from '@opentelemetry/api';
import type { RunFacts } from '../core/telemetry.js';
import { DESTINATION, JOB_NAME, OPERATION_NAME, OTHER, OUTCOME, SYSTEM } from './names.js';

/** The runs of one job of one queue that came to one outcome. */
export interface OutcomeSeries {
  readonly attributes: Attributes;
  /** Of how long their handlers ran. */
  readonly ofProcess: Attributes;
  runs: number;
}

/** The runs of one job of one queue. */
export class JobSeries {
  readonly outcomes = new Map<string, OutcomeSeries>();
  rescued = 0;

  constructor(readonly attributes: Attributes) {}

  ofOutcome(word: string): OutcomeSeries {
    let series = this.outcomes.get(word);
    if (!series) {
      const attributes = { ...this.attributes, [OUTCOME]: word };
      series = { attributes, ofProcess: { ...attributes, [OPERATION_NAME]: 'process' }, runs: 0 };
      this.outcomes.set(word, series);
    }
    return series;
  }
}

/**
 * What is counted of runs, told when somebody collects. A counter of the SDK costs several times as much for each run, since it
 * makes a text of the attributes to know them again.
 */
export class RunSeries {
  private readonly byEngine = new Map<string, Map<string, Map<string, JobSeries>>>();

  of({ engine, ref, known }: RunFacts): JobSeries {
    const byQueue = entry(this.byEngine, engine, () => new Map<string, Map<string, JobSeries>>());
    const byName = entry(byQueue, ref.queue, () => new Map<string, JobSeries>());
    const name = known ? (ref.name ?? OTHER) : OTHER;
    return entry(byName, name, () => new JobSeries({ [SYSTEM]: engine, [DESTINATION]: ref.queue, [JOB_NAME]: name }));
  }

  tellRuns(result: ObservableResult): void {
    for (const job of this.all()) {
      for (const { attributes, runs } of job.outcomes.values()) result.observe(runs, attributes);
    }
  }

  tellRescued(result: ObservableResult): void {
    for (const { attributes, rescued } of this.all()) if (rescued > 0) result.observe(rescued, attributes);
  }

  private *all(): Generator<JobSeries> {
    for (const byQueue of this.byEngine.values()) for (const byName of byQueue.values()) yield* byName.values();
  }
}

function entry<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  let value = map.get(key);
  if (value === undefined) map.set(key, (value = make()));
  return value;
}
