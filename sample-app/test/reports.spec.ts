import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { AskForReport, DailySales, Sale } from '../src/jobs.js';
import { REPORTS_WEBHOOK } from '../src/report-sales.job.js';
import { Sales } from '../src/sales.service.js';
import { config } from '../src/shop.config.js';
import { openShop, type OpenShop } from './open-shop.js';

const reports = { instance: 'reports' };

const dayOf = ({ jobs }: OpenShop): string => jobs.now().toISOString().slice(0, 10);

test('what is sold on a day is reported in the night after it', async () => {
  const shop = await openShop();
  const day = dayOf(shop);
  const item = `teapot ${randomUUID()}`;
  for (let sold = 0; sold < 2; sold++) await shop.jobs.run(Sale, { email: 'ada@example.org', item });

  await shop.jobs.advance('1 day');
  const report: unknown = JSON.parse(await readFile(join(config.data, 'reports', `${day}.json`), 'utf8'));
  expect(report).toMatchObject({ day, items: { [item]: 2 } });
  expect(shop.jobs.published(AskForReport)).toHaveLength(1);
  expect(shop.jobs.published(DailySales, reports)).toMatchObject([{ payload: { day } }]);
});

test('a sale of a job that is run twice counts once', async () => {
  const shop = await openShop();
  const sales = shop.app.get(Sales, { strict: false });
  const job = { id: randomUUID(), publishedAt: new Date('2026-01-31T23:59:59Z') };
  for (let runs = 0; runs < 2; runs++) sales.note(job, { email: 'ada@example.org', item: 'teapot' });
  expect(await sales.of('2026-01-31')).toEqual(new Map([['teapot', 1]]));
  expect(await sales.of('2026-02-01')).toEqual(new Map());
});

async function webhook(status: number, headers: Record<string, string> = {}) {
  const received: string[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push(body);
      response.writeHead(status, headers).end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const shop = await openShop((module) => module.overrideProvider(REPORTS_WEBHOOK).useValue(url));
  return { received, outcome: await shop.jobs.run(DailySales, { day: '2026-01-01' }, reports) };
}

test('a report is posted', async () => {
  const { received, outcome } = await webhook(204);
  expect(outcome).toEqual({ kind: 'completed', result: { orders: 0 } });
  expect(received).toEqual(['{"day":"2026-01-01","orders":0,"items":{}}']);
});

test('one that comes at a bad time is posted again when the answer says so', async () => {
  const { outcome } = await webhook(503, { 'retry-after': '120' });
  expect(outcome).toMatchObject({ kind: 'retried', inMs: 120_000 });
});

test('one that nobody takes has failed', async () => {
  const { outcome } = await webhook(410);
  expect(outcome).toMatchObject({ kind: 'failed', error: { message: expect.stringMatching(/answered 410$/) } });
});
