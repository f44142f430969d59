import { type Job, JobHandler } from 'nestjs-jobs';
import { type Order, OrderMail } from './jobs.js';
import { JobLedger } from './job-ledger.service.js';
import { Mailer } from './mailer.service.js';

@JobHandler(OrderMail)
export class SendEmail {
  constructor(
    private readonly mailer: Mailer,
    private readonly ledger: JobLedger,
  ) {}

  handle({ email, item }: Order, job: Job) {
    const mail = { to: email, subject: `Your order: ${item}`, text: `Thank you for ordering "${item}".\n` };
    return this.ledger.once(job, () => this.mailer.send(mail, job));
  }
}
