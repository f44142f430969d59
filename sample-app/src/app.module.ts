import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { JobsModule } from 'nestjs-jobs';
import { AskForReports } from './ask-for-report.job.js';
import { jobsBackend } from './backends.js';
import { JobLedger } from './job-ledger.service.js';
import { JobsController } from './jobs.controller.js';
import { MAIL_DOMAINS } from './mail-domains.guard.js';
import { MailboxController } from './mailbox.controller.js';
import { MailboxServer } from './mailbox.server.js';
import { Mailer, SMTP_URL } from './mailer.service.js';
import { MakeThumbnail } from './make-thumbnail.job.js';
import { OrdersController } from './orders.controller.js';
import { Parcels } from './parcels.job.js';
import { PicturesController } from './pictures.controller.js';
import { PublishErrorFilter } from './publish-error.filter.js';
import { ReportsModule } from './reports.module.js';
import { contextCarrier, giveRequestId } from './request-context.js';
import { SendEmail } from './send-email.job.js';
import { SendReminder } from './send-reminder.job.js';
import { ShippingLabel } from './shipping-label.job.js';
import { config } from './shop.config.js';
import { ShopFiles } from './shop-files.service.js';

@Module({
  imports: [
    JobsModule.forRoot({
      backend: jobsBackend(),
      contextCarrier,
      queues: {
        // What the mail server takes. A flood of orders is refused before it buries the shop.
        mail: { rate: { max: 50, per: '1s' }, maxJobs: 10_000 },
      },
      // Less than the 10 s after which most supervisors turn to SIGKILL.
      shutdownGrace: '5s',
    }),
    ReportsModule,
  ],
  controllers: [OrdersController, PicturesController, MailboxController, JobsController],
  providers: [
    SendEmail,
    SendReminder,
    ShippingLabel,
    MakeThumbnail,
    Parcels,
    AskForReports,
    Mailer,
    MailboxServer,
    {
      provide: SMTP_URL,
      inject: [MailboxServer],
      useFactory: async (mailbox: MailboxServer) => config.smtpUrl ?? (await mailbox.listen()),
    },
    { provide: MAIL_DOMAINS, useValue: config.mailDomains },
    ShopFiles,
    JobLedger,
    { provide: APP_FILTER, useClass: PublishErrorFilter },
  ],
})
export class AppModule implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    consumer.apply(giveRequestId).forRoutes('{*path}');
  }
}
