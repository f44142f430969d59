import { Inject, Injectable } from '@nestjs/common';
import type { Job } from 'nestjs-jobs';
import { createTransport, type Transporter } from 'nodemailer';
import { config } from './shop.config.js';

export const SMTP_URL = Symbol('SMTP_URL');

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
  async send({ to, subject, text }: Mail, { id, signal }: Pick<Job, 'id' | 'signal'>): Promise<void> {
    await this.transport.sendMail({
      from: config.mailFrom,
      // No string, for a string may name several.
      to: { name: '', address: to },
      subject,
      text,
      messageId: `<${id}@shop.example>`,
      signal,
    });
  }
}
