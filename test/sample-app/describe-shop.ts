import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { eventually } from './eventually.js';
import { lastStates, Shop, shopData, tearLastLines } from './shop.js';

/** How long a test of the shop may take, in milliseconds. */
export const A_WHILE = 180_000;

/** Noise takes the most work. */
function photo(width: number, height: number): Promise<Uint8Array<ArrayBuffer>> {
  const raw = { width, height, channels: 3 as const };
  return sharp(randomBytes(width * height * 3), { raw })
    .jpeg()
    .toBuffer()
    .then((bytes) => new Uint8Array(bytes));
}

/**
 * What the shop does on each engine.
 *
 * @param jobs what is put into its environment, which is all that differs
 */
export function describeShop(engine: string, jobs: () => Promise<Record<string, string>>): void {
  describe(`the shop on ${engine}:`, { timeout: A_WHILE }, () => {
    test('orders something, and gets a mail, a label and, later, a reminder', async () => {
      const env = await jobs();
      const shop = await Shop.open(await shopData(), { ...env, SHOP_REMINDER_DELAY: '1h' });
      const { email, reminder, label } = await shop.order('ada@example.org', 'Kännchen 🫖, blau');
      expect(await shop.state(reminder)).toBe('delayed');
      await shop.untilAll('completed', [email, label]);
      const job: unknown = await (await fetch(`${shop.url}/jobs/${label}`)).json();
      expect(job).toEqual({ id: label, name: 'hand_over', state: 'completed' });

      expect(await shop.mailbox()).toMatchObject([
        {
          id: `<${email}@shop.example>`,
          from: 'orders@shop.example',
          to: ['ada@example.org'],
          subject: 'Your order: Kännchen 🫖, blau',
          text: 'Thank you for ordering "Kännchen 🫖, blau".\n',
        },
      ]);
      expect(await labels(shop.data)).toEqual([label]);

      // It survives the shop, though nothing but its file knows of it.
      await shop.kill();
      const again = await Shop.open(shop.data, env);
      expect(await again.state(reminder)).toBe('delayed');
      expect(await again.state(email)).toBe('completed');
      expect(await again.mailbox()).toHaveLength(1);
    });

    test('posts a picture, and gets its thumbnail', async () => {
      const shop = await Shop.open(await shopData(), await jobs());
      const job = await shop.picture(await photo(600, 300));
      await shop.untilAll('completed', [job]);
      expect(await (await fetch(`${shop.url}/pictures/${job}/size`)).json()).toEqual({ width: 200, height: 100 });
      const answer = await fetch(`${shop.url}/pictures/${job}/thumbnail`);
      expect(answer.status).toBe(200);
      expect(answer.headers.get('content-type')).toBe('image/webp');
      const { width, height, format } = await sharp(await answer.arrayBuffer()).metadata();
      expect({ width, height, format }).toEqual({ width: 200, height: 100, format: 'webp' });
    });

    test('finds what was sold in the report of the day, which a script writes beside the open shop', async () => {
      const shop = await Shop.open(await shopData(), await jobs());
      await shop.order('ada@example.org', 'teapot');
      await eventually('it is sold', async () => (await sales(shop.data)).length > 0 || undefined);
      const { day } = (await sales(shop.data))[0] as { day: string };
      expect(await shop.report(day)).toEqual({ day, orders: 1, items: { teapot: 1 } });
    });

    const ORDERS = 30;
    const PICTURES = 8;

    interface Acknowledged {
      mails: Map<string, string>;
      labels: string[];
      pictures: string[];
    }

    /** Brings everything at once, and ends the shop when some of it is acknowledged and the rest under way. */
    async function rush(shop: Shop, acknowledged: Acknowledged, end: () => Promise<void>): Promise<void> {
      let answers = 0;
      const orders = Array.from({ length: ORDERS }, async (_, nth) => {
        const address = `visitor-${nth}@example.org`;
        const { email, reminder, label } = await shop.order(address, `teapot ${nth}`);
        acknowledged.mails.set(email, address).set(reminder, address);
        acknowledged.labels.push(label);
        answers += 1;
      });
      const bytes = await photo(1500, 1000);
      const pictures = Array.from({ length: PICTURES }, async () => {
        acknowledged.pictures.push(await shop.picture(bytes));
        answers += 1;
      });
      const all = Promise.allSettled([...orders, ...pictures]);
      await eventually('some are acknowledged', () => answers >= ORDERS / 2 || undefined);
      await end();
      await all;
    }

    async function expectAllDone(shop: Shop, { mails, labels: expected, pictures }: Acknowledged): Promise<void> {
      await shop.untilAll('completed', [...mails.keys(), ...expected, ...pictures]);
      const received = new Map((await shop.mailbox()).map(({ id, to }) => [id, to.join()]));
      for (const [id, address] of mails) expect([id, received.get(`<${id}@shop.example>`)]).toEqual([id, address]);
      expect(await labels(shop.data)).toEqual(expect.arrayContaining(expected));
      for (const id of pictures) {
        const answer = await fetch(`${shop.url}/pictures/${id}/thumbnail`);
        expect((await sharp(await answer.arrayBuffer()).metadata()).width).toBe(200);
      }
      if (engine === 'filer') {
        await eventually('no job is left over', async () => (await jobFiles(shop.data)).length === 0);
      }
    }

    test('ended by kill -9 while jobs run, does all that it has acknowledged once it is started again', async () => {
      const data = await shopData();
      const env = await jobs();
      const acknowledged: Acknowledged = { mails: new Map(), labels: [], pictures: [] };
      let running = 0;
      for (let kills = 0; kills < 3; kills++) {
        const shop = await Shop.open(data, { ...env, SHOP_REMINDER_DELAY: '2s' });
        await rush(shop, acknowledged, () => shop.kill());
        running += [...(await lastStates(data)).values()].filter((state) => state === 'active').length;
        await tearLastLines(data);
      }
      expect(running).toBeGreaterThan(0);
      await expectAllDone(await Shop.open(data, env), acknowledged);
    });

    test('ended by SIGTERM while jobs run, ends by itself, and loses nothing', async () => {
      const data = await shopData();
      const env = await jobs();
      const acknowledged: Acknowledged = { mails: new Map(), labels: [], pictures: [] };
      const shop = await Shop.open(data, { ...env, SHOP_REMINDER_DELAY: '1s' });
      await rush(shop, acknowledged, () => shop.terminate());
      expect([...(await lastStates(data)).values()]).not.toContain('active');
      await expectAllDone(await Shop.open(data, env), acknowledged);
    });
  });
}

async function sales(data: string): Promise<unknown[]> {
  const lines = (await readFile(join(data, 'sales.jsonl'), 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as unknown);
}

/** The jobs whose labels lie in the shop, each a whole PDF. */
async function labels(data: string): Promise<string[]> {
  const names = await readdir(join(data, 'labels'));
  for (const name of names) {
    const pdf = await readFile(join(data, 'labels', name), 'latin1');
    expect([name, pdf.slice(0, 5), pdf.trimEnd().slice(-5)]).toEqual([name, '%PDF-', '%%EOF']);
  }
  return names.map((name) => name.replace('.pdf', ''));
}

/** What lies in the queues, waiting, running or failed. */
async function jobFiles(data: string): Promise<string[]> {
  const entries = await readdir(join(data, 'jobs'), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && /(incoming|pending|delayed|errors|expired)$/.test(entry.parentPath))
    .map(({ name }) => name);
}
