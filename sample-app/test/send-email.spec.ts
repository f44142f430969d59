import type { ExecutionContext } from '@nestjs/common';
import { PublishError } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { OrderMail } from '../src/jobs.js';
import { MailboxServer } from '../src/mailbox.server.js';
import { MAIL_DOMAINS, MailDomains } from '../src/mail-domains.guard.js';
import { SendEmail } from '../src/send-email.job.js';
import { MailRefused, MailServerBusy, SmtpErrorFilter } from '../src/smtp-error.filter.js';
import type { Mail, Mailer } from '../src/mailer.service.js';
import { openShop } from './open-shop.js';

const item = 'teapot';

test('a handler is a class: it thanks for the order', async () => {
  const sent: Mail[] = [];
  const mailer = { send: (mail: Mail) => Promise.resolve(void sent.push(mail)) } as unknown as Mailer;
  await new SendEmail(mailer).handle({ email: 'ada@example.org', item }, undefined as never);
  expect(sent).toEqual([
    { to: 'ada@example.org', subject: 'Your order: teapot', text: 'Thank you for ordering "teapot".\n' },
  ]);
});

test('as a job, it sends the mail under its id, and once, though the job may come again', async () => {
  const { app, jobs } = await openShop();
  const done = { kind: 'completed' };
  expect(await jobs.run(OrderMail, { email: 'ada@example.org', item }, { id: 'one' })).toMatchObject(done);
  expect(app.get(MailboxServer).list()).toContainEqual(
    expect.objectContaining({ id: '<one@shop.example>', to: ['ada@example.org'] }),
  );
  // It would fail if it were sent.
  const again = await jobs.run(OrderMail, { email: 'nobody@shop.example', item }, { id: 'one', attempt: 2 });
  expect(again).toMatchObject(done);
});

test.for([
  [{ responseCode: 421 }, MailServerBusy],
  [{ responseCode: 450, code: 'EENVELOPE' }, MailServerBusy],
  [{ code: 'ECONNECTION' }, MailServerBusy],
  [{ code: 'EDNS' }, MailServerBusy],
  [{ responseCode: 554, code: 'EMESSAGE' }, MailRefused],
  [{ code: 'EAUTH', responseCode: 535 }, MailRefused],
] as const)('an error of SMTP with %o is a %o', ([fields, type]) => {
  const error = Object.assign(new Error('from the server'), fields);
  const told = thrownBy(() => new SmtpErrorFilter().catch(error));
  expect(told).toBeInstanceOf(type);
  expect(told).toMatchObject({ message: 'from the server', cause: error });
});

test('what is no error of SMTP stays as it is', () => {
  const error = new Error('a bug');
  expect(thrownBy(() => new SmtpErrorFilter().catch(error))).toBe(error);
});

function thrownBy(act: () => never): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}

test('a payload that is no order is not published', async () => {
  const { jobs } = await openShop();
  const published = jobs.run(OrderMail, { email: 'ada@example.org\r\nBcc: eve@example.org', item: '' });
  await expect(published).rejects.toThrow(PublishError);
  await expect(published).rejects.toThrow(/"email" has to be .*"item" must not be empty/s);
});

test('a copy of the shop writes to its own domains alone', async () => {
  const { jobs } = await openShop((module) => module.overrideProvider(MAIL_DOMAINS).useValue(['example.org']));
  const denied = await jobs.run(OrderMail, { email: 'ada@customer.example', item });
  expect(denied).toMatchObject({ kind: 'failed', reason: 'a guard denied it' });

  const contextOf = (email: string) => ({ getArgs: () => [{ email, item }] }) as unknown as ExecutionContext;
  const guard = new MailDomains(['example.org']);
  expect(guard.canActivate(contextOf('ada@EXAMPLE.org'))).toBe(true);
  expect(guard.canActivate(contextOf('ada@example.org.evil.example'))).toBe(false);
  expect(new MailDomains(undefined).canActivate(contextOf('ada@customer.example'))).toBe(true);
});
