import { Module } from '@nestjs/common';
import { JobsOutermostModule } from '../nest/hook-order.js';
import { JobsHealthIndicator } from './jobs-health.indicator.js';

/** Makes `JobsHealthIndicator` injectable where it is imported. */
@Module({ imports: [JobsOutermostModule], providers: [JobsHealthIndicator], exports: [JobsHealthIndicator] })
export class JobsHealthModule {}
