import { resolve } from 'node:path';

const env = process.env;

/** What the environment says of this shop; an empty variable counts as none. */
export const config = {
  port: Number(env.PORT || 3000),
  /** Loopback, for this shop asks nobody for a password. */
  host: env.HOST || '127.0.0.1',
  data: resolve(env.SHOP_DATA || 'var/shop'),
  /** Where the jobs are kept, as a URL of an engine. None: in directories of the shop's own. */
  jobsUrl: env.JOBS_URL || undefined,
  reminderDelay: env.SHOP_REMINDER_DELAY || '1m',
  /** Where mail goes. None: to a mailbox of the shop's own. */
  smtpUrl: env.SMTP_URL || undefined,
  /** The only domains that mail may go to, separated by commas. None: all. */
  mailDomains: (env.SHOP_MAIL_DOMAINS || undefined)?.toLowerCase().split(/\s*,\s*/),
  /** Where reports are posted to, beside their files. None: nowhere. */
  reportsWebhook: env.SHOP_REPORTS_WEBHOOK || undefined,
  mailFrom: env.SHOP_MAIL_FROM || 'orders@shop.example',
};
