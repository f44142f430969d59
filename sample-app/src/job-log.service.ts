import { Injectable, Logger } from '@nestjs/common';
import { JobEvents } from 'nestjs-jobs';

/** The package logs only what goes wrong; here, one likes to see one's jobs run. */
@Injectable()
export class JobLog {
  private readonly logger = new Logger('Shop');

  constructor(events: JobEvents) {
    events.on('completed', ({ job, durationMs }) => {
      this.logger.log(`${job.name} ${job.id} completed in ${Math.round(durationMs)} ms`);
    });
  }
}
