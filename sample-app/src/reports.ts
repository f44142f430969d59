import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { getJobsToken, getPublisherToken, type JobsService, type PublisherService } from 'nestjs-jobs';
import { DailySales } from './jobs.js';
import { ReportsModule } from './reports.module.js';

/** For cron, some time after midnight: writes the reports that are due, and ends. With a day, that day's at once. */
const [day] = process.argv.slice(2);
const app = await NestFactory.createApplicationContext(ReportsModule, { logger: ['log', 'warn', 'error'] });
app.enableShutdownHooks();
try {
  if (day) await app.get<PublisherService>(getPublisherToken('reports')).publish(DailySales, { day });
  const { completed, retried, failed } = await app.get<JobsService>(getJobsToken('reports')).drain();
  console.log(`Reports: ${completed} written, ${retried} to be tried again, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
} catch (error) {
  console.error(`No reports: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  await app.close();
}
