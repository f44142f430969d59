import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { A_WHILE, describeShop } from './describe-shop.js';
import { eventually } from './eventually.js';
import { MailServer } from './mail-server.js';
import { Shop, shopData } from './shop.js';

describeShop('filer', () => Promise.resolve({}));

describe('a visitor of the shop', { timeout: A_WHILE }, () => {
  test('posts what is no picture, and hears that the job failed', async () => {
    const shop = await Shop.open(await shopData());
    const job = await shop.picture(new TextEncoder().encode('not a picture'), 'image/png');
    await shop.untilAll('failed', [job]);
    expect((await fetch(`${shop.url}/pictures/${job}/thumbnail`)).status).toBe(404);
    expect(await failureOf(shop, 'pictures', job)).toBe('NoPicture');
  });

  test('hears what is wrong with a request', async () => {
    const shop = await Shop.open(await shopData());
    const json = (body: unknown): [string, string] => ['application/json', JSON.stringify(body)];
    const order = (email: unknown, item: unknown): [string, string] => json({ email, item });
    const wrong: [string, number, RegExp, ...[string, string]][] = [
      ['/orders', 400, /email/, ...order(undefined, 'teapot')],
      ['/orders', 400, /email/, ...order('ada', 'teapot')],
      ['/orders', 400, /email/, ...order(['ada@example.org'], 'teapot')],
      ['/orders', 400, /email/, ...order('ada@example.org, bob@example.org', 'teapot')],
      ['/orders', 400, /email/, ...order('Ada <ada@example.org>', 'teapot')],
      ['/orders', 400, /email/, ...order('ada@example.org\r\nBcc: bob@example.org', 'teapot')],
      ['/orders', 400, /email/, ...order(`${'a'.repeat(250)}@example.org`, 'teapot')],
      ['/orders', 400, /item/, ...order('ada@example.org', undefined)],
      ['/orders', 400, /item/, ...order('ada@example.org', '  ')],
      ['/orders', 400, /item/, ...order('ada@example.org', { toString: 'teapot' })],
      ['/orders', 400, /item/, ...order('ada@example.org', 'teapot\r\nBcc: bob@example.org')],
      ['/orders', 400, /item/, ...order('ada@example.org', 'tea\0pot')],
      ['/orders', 400, /item/, ...order('ada@example.org', '\ud83e')],
      ['/orders', 400, /item/, ...order('ada@example.org', 'x'.repeat(201))],
      ['/orders', 400, /email/, ...json([])],
      ['/orders', 400, /JSON/, 'application/json', '{ "email": '],
      ['/orders', 400, /JSON/, 'text/plain', 'a teapot'],
      ['/pictures', 400, /empty/, 'image/png', ''],
      ['/pictures', 415, /image\/jpeg/, 'text/plain', 'a picture'],
      ['/pictures', 415, /image\/jpeg/, ...json({})],
      ['/pictures', 413, /too large/, 'image/png', 'x'.repeat(20 * 1024 * 1024 + 1)],
    ];
    for (const [path, status, message, type, body] of wrong) {
      const answer = await shop.post(path, type, body);
      const said = ((await answer.json()) as { message: string }).message;
      const request = `${path} ${type} ${body.slice(0, 100)}`;
      expect([request, answer.status]).toEqual([request, status]);
      expect(said).toMatch(message);
    }
    for (const path of [
      '/jobs/none',
      '/jobs/..%2fjobs',
      '/pictures/none/thumbnail',
      '/pictures/..%2f..%2fjobs/thumbnail',
    ]) {
      expect([path, (await fetch(`${shop.url}${path}`)).status]).toEqual([path, 404]);
    }
    expect(await shop.mailbox()).toEqual([]);
  });
});

describe('a mail server', { timeout: A_WHILE }, () => {
  test('that says «later» is asked again, with the same Message-ID', async () => {
    const server = await MailServer.open((_, nth) => (nth === 1 ? 451 : 250));
    const shop = await Shop.open(await shopData(), { SMTP_URL: server.url });
    const { email } = await shop.order('ada@example.org', 'teapot');
    await shop.untilAll('completed', [email]);
    const messageId = `<${email}@shop.example>`;
    expect(server.to('ada@example.org')).toEqual([
      { to: 'ada@example.org', messageId, answer: 451 },
      { to: 'ada@example.org', messageId, answer: 250 },
    ]);
    expect((await fetch(`${shop.url}/mailbox`)).status).toBe(404);
  });

  test('that says «never» is believed', async () => {
    const server = await MailServer.open((to) => (to === 'nobody@example.org' ? 550 : 250));
    const shop = await Shop.open(await shopData(), { SMTP_URL: server.url });
    const refused = await shop.order('nobody@example.org', 'teapot');
    const taken = await shop.order('ada@example.org', 'teapot');
    await shop.untilAll('failed', [refused.email]);
    await shop.untilAll('completed', [refused.label, taken.email]);
    expect(server.to('nobody@example.org')).toHaveLength(1);
    expect(await failureOf(shop, 'mail', refused.email)).toBe('MailRefused');
  });

  test('that is away is waited for', async () => {
    const away = await MailServer.open(() => 250);
    await away.close();
    const shop = await Shop.open(await shopData(), { SMTP_URL: away.url });
    const { email } = await shop.order('ada@example.org', 'teapot');
    await shop.untilAll('delayed', [email]);
    const back = await MailServer.open(() => 250, away.port);
    await shop.untilAll('completed', [email]);
    expect(back.to('ada@example.org')).toHaveLength(1);
  });

  test('that hangs does not keep the shop from closing', async () => {
    const hanging = await MailServer.open(() => undefined);
    const shop = await Shop.open(await shopData(), { SMTP_URL: hanging.url });
    const { email } = await shop.order('ada@example.org', 'teapot');
    await eventually('the mail is on its way', () => hanging.to('ada@example.org').length > 0);
    await shop.terminate();
    const again = await Shop.open(shop.data);
    await again.untilAll('completed', [email]);
    expect((await again.mailbox()).map(({ id }) => id)).toEqual([`<${email}@shop.example>`]);
  });
});

async function failureOf(shop: Shop, queue: string, job: string): Promise<string | undefined> {
  const meta = await readFile(join(shop.data, 'jobs', queue, 'errors', `${job}.meta`), 'utf8');
  return (JSON.parse(meta) as { failures: { error: { name: string } }[] }).failures.at(-1)?.error.name;
}
