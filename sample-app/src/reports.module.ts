import { Module } from '@nestjs/common';
import { httpErrors, JobsModule } from 'nestjs-jobs';
import { reportsBackend } from './backends.js';
import { ReportSales, REPORTS_WEBHOOK } from './report-sales.job.js';
import { Sales } from './sales.service.js';
import { config } from './shop.config.js';

/** Reports have an instance of their own, which the open shop only publishes to: `npm run reports` handles them. */
@Module({
  imports: [JobsModule.forRoot({ name: 'reports', backend: reportsBackend(), consume: false, errors: httpErrors() })],
  providers: [Sales, ReportSales, { provide: REPORTS_WEBHOOK, useValue: config.reportsWebhook }],
  exports: [Sales],
})
export class ReportsModule {}
