import { UseFilters, UseGuards, UseInterceptors } from '@nestjs/common';
import { type Job, JobHandler } from 'nestjs-jobs';
import { JobLog } from './job-log.interceptor.js';
import { type Order, Reminder } from './jobs.js';
import { MailDomains } from './mail-domains.guard.js';
import { Mailer } from './mailer.service.js';
import { Once } from './once.interceptor.js';
import { SmtpErrorFilter } from './smtp-error.filter.js';

@JobHandler(Reminder)
@UseGuards(MailDomains)
@UseInterceptors(JobLog, Once)
@UseFilters(SmtpErrorFilter)
export class SendReminder {
  constructor(private readonly mailer: Mailer) {}

  handle({ email, item }: Order, job: Job) {
    const mail = { to: email, subject: `Do you like it? ${item}`, text: `Tell us how you like "${item}".\n` };
    return this.mailer.send(mail, job);
  }
}
