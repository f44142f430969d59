import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { SMTPServer, type SMTPServerDataStream, type SMTPServerEnvelope } from 'smtp-server';
import { BoundedMap } from './bounded-map.js';
import { JsonLines } from './json-lines.js';
import { readMail } from './read-mail.js';
import { config } from './shop.config.js';

export interface ReceivedMail {
  id: string;
  receivedAt: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
}

/** To try what becomes of mail that a server does not take. */
const REFUSED: Readonly<Record<string, { code: number; text: string }>> = {
  'busy@shop.example': { code: 451, text: 'this mailbox is busy, try again later' },
  'nobody@shop.example': { code: 550, text: 'there is no such mailbox' },
};

/** A mail server for those who have none at hand: it takes what comes over SMTP, and shows it. */
@Injectable()
export class MailboxServer implements OnApplicationShutdown {
  private readonly mails = new BoundedMap<string, ReceivedMail>(10_000);
  private open?: { server: SMTPServer; file: JsonLines<ReceivedMail> };

  get isOpen(): boolean {
    return this.open !== undefined;
  }

  /** Resolves with the URL to send mail to. */
  async listen(): Promise<string> {
    const file = new JsonLines<ReceivedMail>(join(config.data, 'mailbox.jsonl'));
    for await (const mail of file.read()) this.mails.set(mail.id, mail);

    const server = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      closeTimeout: 1_000,
      onRcptTo: ({ address }, _, reply) => {
        const refused = REFUSED[address.toLowerCase()];
        reply(refused && Object.assign(new Error(refused.text), { responseCode: refused.code }));
      },
      onData: (stream, { envelope }, reply) => void this.receive(stream, envelope).then(() => reply(), reply),
    });
    server.listen(0, '127.0.0.1');
    await once(server.server, 'listening');
    this.open = { server, file };
    return `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  }

  /** The oldest first. */
  list(): ReceivedMail[] {
    return this.mails.values();
  }

  async onApplicationShutdown(): Promise<void> {
    if (!this.open) return;
    const { server, file } = this.open;
    await new Promise<void>((resolve) => server.close(resolve));
    file.close();
  }

  private async receive(stream: SMTPServerDataStream, envelope: SMTPServerEnvelope): Promise<void> {
    const mail: ReceivedMail = {
      ...readMail(await buffer(stream)),
      receivedAt: new Date().toISOString(),
      from: envelope.mailFrom ? envelope.mailFrom.address : '',
      to: envelope.rcptTo.map(({ address }) => address),
    };
    // Mail that is sent again after a crash has its old Message-ID, and is kept once.
    if (this.mails.get(mail.id)) return;
    this.open?.file.append(mail);
    this.mails.set(mail.id, mail);
  }
}
