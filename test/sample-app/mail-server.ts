import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';
import { onTestFinished } from 'vitest';

export interface Delivery {
  to: string;
  messageId: string | undefined;
  /** The answer that the server gave; undefined where it gives none. */
  answer: number | undefined;
}

/** What a server answers to the nth delivery to an address; undefined: nothing, as a server that hangs. */
export type Answers = (to: string, nth: number) => number | undefined;

/** A mail server of the test's own, which keeps a record of all that was brought to it. */
export class MailServer {
  readonly deliveries: Delivery[] = [];

  private constructor(
    private readonly server: SMTPServer,
    readonly url: string,
  ) {}

  static async open(answers: Answers, port = 0): Promise<MailServer> {
    const smtp = new SMTPServer({
      disabledCommands: ['AUTH', 'STARTTLS'],
      disableReverseLookup: true,
      closeTimeout: 100,
      onData: (stream, { envelope }, reply) => {
        const to = envelope.rcptTo.map(({ address }) => address).join();
        const answer = answers(to, opened.to(to).length + 1);
        const delivery: Delivery = { to, messageId: undefined, answer };
        opened.deliveries.push(delivery);
        void text(stream).then((mail) => {
          delivery.messageId = /^Message-ID: (.*)$/im.exec(mail)?.[1];
          if (answer === undefined) return;
          reply(answer < 400 ? null : Object.assign(new Error('as the test asked for'), { responseCode: answer }));
        });
      },
    });
    smtp.on('error', () => undefined);
    smtp.listen(port, '127.0.0.1');
    await once(smtp.server, 'listening');
    const opened = new MailServer(smtp, `smtp://127.0.0.1:${(smtp.server.address() as AddressInfo).port}`);
    onTestFinished(() => opened.close());
    return opened;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  to(address: string): Delivery[] {
    return this.deliveries.filter(({ to }) => to === address);
  }

  async close(): Promise<void> {
    if (this.server.server.listening) await new Promise<void>((resolve) => this.server.close(resolve));
  }
}
