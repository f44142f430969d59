import { type Job, JobHandler } from 'nestjs-jobs';
import { type Order, Reminder } from './jobs.js';
import { JobLedger } from './job-ledger.service.js';
import { Mailer } from './mailer.service.js';

@JobHandler(Reminder)
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
