import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, UseInterceptors } from '@nestjs/common';
import { type Job, JobHandler, type PayloadOf } from 'nestjs-jobs';
import { JobLog } from './job-log.interceptor.js';
import { DailySales } from './jobs.js';
import { Sales } from './sales.service.js';
import { config } from './shop.config.js';

/** Where reports are posted to as well; undefined: nowhere. */
export const REPORTS_WEBHOOK = Symbol('REPORTS_WEBHOOK');

/** Carries the response, by which `httpErrors()` tells whether and when to try again. */
class WebhookRefused extends Error {
  constructor(readonly response: Response) {
    super(`${response.url} answered ${response.status}`);
  }
}

@JobHandler(DailySales, { instance: 'reports' })
@UseInterceptors(JobLog)
export class ReportSales {
  constructor(
    private readonly sales: Sales,
    @Inject(REPORTS_WEBHOOK) private readonly webhook: string | undefined,
  ) {}

  async handle({ day }: PayloadOf<typeof DailySales>, { signal }: Pick<Job, 'signal'>) {
    const sold = await this.sales.of(day);
    const orders = [...sold.values()].reduce((sum, count) => sum + count, 0);
    const report = JSON.stringify({ day, orders, items: Object.fromEntries(sold) });
    const folder = join(config.data, 'reports');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, `${day}.json`), report);
    if (this.webhook) await this.post(this.webhook, report, signal);
    return { orders };
  }

  private async post(url: string, body: string, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    await response.body?.cancel();
    if (!response.ok) throw new WebhookRefused(response);
  }
}
