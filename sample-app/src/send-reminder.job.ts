import { type Job, JobHandler } from 'nestjs-jobs';
import { JobLedger } from './job-ledger.service.js';
import { Mailer } from './mailer.service.js';
import type { Order } from './order.pipe.js';

@JobHandler('send_reminder')
export class SendReminder {
  constructor(
    private readonly mailer: Mailer,
    private readonly ledger: JobLedger,
  ) {}

  handle({ email, item }: Order, job: Job) {
    const mail = { to: email, subject: `Do you like it? ${item}`, text: `Tell us how you like "${item}".\n` };
    return this.ledger.once(job, () => this.mailer.send(mail, job));
  }
}
