import { Inject, Injectable } from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { JobsOperator } from '../operating/jobs-operator.js';
import { BackendHost } from './backend.host.js';
import { logger } from './jobs.logger.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';

/** Operates the backend of one instance of the module, which is opened when it is asked for. */
@Injectable()
export class InstanceOperator {
  private made: Promise<JobsOperator> | undefined;

  constructor(
    @Inject(BackendHost) private readonly host: BackendHost,
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
  ) {}

  open(): Promise<JobsOperator> {
    this.made ??= this.host.open().then((backend) => this.operatorOf(backend));
    // A backend that can't be opened now may be later.
    this.made.catch(() => (this.made = undefined));
    return this.made;
  }

  private operatorOf(backend: Backend): JobsOperator {
    const { deadlineMs: deadline, redact } = this.settings.operate;
    const operator = new JobsOperator(backend, { deadline, redact, warn: (message) => logger.warn(message) });
    this.host.beforeClose(() => operator.close());
    return operator;
  }
}
