import { InjectPublisher, type Job, JobHandler, JobSchedule, type PublisherService } from 'nestjs-jobs';
import { AskForReport, DailySales } from './jobs.js';

const DAY_MS = 24 * 3_600_000;

/** Each night, a quarter past midnight UTC, by whichever process of the shop comes first. */
@JobHandler(AskForReport)
@JobSchedule('15 0 * * *', { catchUp: 'last' })
export class AskForReports {
  constructor(@InjectPublisher('reports') private readonly reports: PublisherService) {}

  async handle(_: unknown, { publishedAt }: Job) {
    const day = new Date(publishedAt.getTime() - DAY_MS).toISOString().slice(0, 10);
    await this.reports.publish(DailySales, { day }, { unique: { key: day, for: '1 day' } });
  }
}
