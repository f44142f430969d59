import { Inspection } from './inspection.js';
import { JobChanges, type JobChangesSetup } from './job-changes.js';
import { Restoring, type RestoringSetup } from './restoring.js';
import { ShownJobs, type ShownJobsSetup } from './shown-jobs.js';

export type OperatingSetup = Omit<JobChangesSetup, 'inspection'> & RestoringSetup & ShownJobsSetup;

/** What operators see and do of one queue; made when it is first asked for. */
export class Operating {
  readonly inspection: Inspection;
  readonly changes: JobChanges;
  readonly restoring: Restoring;

  constructor(setup: OperatingSetup) {
    this.inspection = new Inspection({ ...setup, shown: new ShownJobs(setup) });
    this.changes = new JobChanges({ ...setup, inspection: this.inspection });
    this.restoring = new Restoring(setup);
  }
}
