import { Inject, Injectable } from '@nestjs/common';
import { Fatal, type Job, Transient } from 'nestjs-jobs';
import { createTransport, type NodemailerError, type Transporter } from 'nodemailer';
import { config } from './shop.config.js';

export const SMTP_URL = Symbol('SMTP_URL');

/** The server can't be reached, or says «later» (4xx). */
@Transient()
export class MailServerBusy extends Error {}

/** The server says «never» (5xx). */
@Fatal()
export class MailRefused extends Error {}

export interface Mail {
  to: string;
  subject: string;
  text: string;
}

@Injectable()
export class Mailer {
  private readonly transport: Transporter;

  constructor(@Inject(SMTP_URL) url: string) {
    this.transport = createTransport({
      url,
      connectionTimeout: 10_000,
      greetingTimeout: 10_000,
      socketTimeout: 30_000,
    });
  }

  /** The job's id becomes the Message-ID, so that mail which is sent again after a crash can be told from new mail. */
  async send({ to, subject, text }: Mail, { id, signal }: Job): Promise<void> {
    try {
      const messageId = `<${id}@shop.example>`;
      // The recipient is no string, for a string may name several.
      await this.transport.sendMail({
        from: config.mailFrom,
        to: { name: '', address: to },
        subject,
        text,
        messageId,
        signal,
      });
    } catch (error) {
      throw explain(error as NodemailerError);
    }
  }
}

const CONNECTION_TROUBLES = ['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS'];

function explain(error: NodemailerError): Error {
  const { message, code = '', responseCode } = error;
  if (responseCode === undefined) {
    return CONNECTION_TROUBLES.includes(code) ? new MailServerBusy(message, { cause: error }) : error;
  }
  return responseCode >= 500
    ? new MailRefused(message, { cause: error })
    : new MailServerBusy(message, { cause: error });
}
