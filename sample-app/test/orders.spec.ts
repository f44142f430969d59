import { existsSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { jobMatchers } from 'nestjs-jobs/testing';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Label, OrderMail, Reminder } from '../src/jobs.js';
import { ShopFiles } from '../src/shop-files.service.js';
import { openShop, type OpenShop } from './open-shop.js';

expect.extend(jobMatchers);

async function mailsTo(shop: OpenShop, email: string): Promise<string[]> {
  const mails = (await (await fetch(`${shop.url}/mailbox`)).json()) as { to: string[]; subject: string }[];
  return mails.filter(({ to }) => to.includes(email)).map(({ subject }) => subject);
}

async function found(shop: OpenShop, id: string): Promise<{ name: string; state: string }> {
  return (await (await fetch(`${shop.url}/jobs/${id}`)).json()) as { name: string; state: string };
}

async function state(shop: OpenShop, id: string): Promise<string> {
  return (await found(shop, id)).state;
}

async function name(shop: OpenShop, id: string): Promise<string> {
  return (await found(shop, id)).name;
}

test('an order is thanked for, labelled, and asked about a minute later', async () => {
  const shop = await openShop();
  const { jobs } = shop;
  const order = { email: 'grace@example.org', item: 'teapot' };
  const ids = (await shop.order(order.email, ' teapot ')).jobs;
  for (const job of [OrderMail, Reminder, Label]) expect(jobs).toHavePublished(job, order);
  expect(jobs.published()).toHaveLength(3);
  expect(await mailsTo(shop, order.email)).toEqual([]);

  // The mail, and the label, of which come a sale and a parcel for the carrier.
  expect(await jobs.drain()).toMatchObject({ completed: 4 });
  expect(await mailsTo(shop, order.email)).toEqual(['Your order: teapot']);
  expect(existsSync(shop.app.get(ShopFiles).label(ids.label))).toBe(true);
  expect([await state(shop, ids.email), await state(shop, ids.reminder)]).toEqual(['completed', 'delayed']);
  expect(await name(shop, ids.label)).toBe('hand_over');

  await jobs.advance('59s');
  expect(await mailsTo(shop, order.email)).toEqual(['Your order: teapot']);
  await jobs.advance('1s');
  expect(await mailsTo(shop, order.email)).toEqual(['Your order: teapot', 'Do you like it? teapot']);
  expect(await state(shop, ids.reminder)).toBe('completed');
});

test('of two that wait, the label goes before the mail', async () => {
  const shop = await openShop();
  await shop.order('ada@example.org', 'teapot');
  const [mail, label] = [OrderMail, Label].map((job) => shop.jobs.published(job)[0]?.options.priority);
  expect(label).toBeLessThan(mail ?? 0);
});

test('a busy mailbox is tried again, one that is not there is given up', async () => {
  const shop = await openShop();
  const busy = (await shop.order('busy@shop.example', 'teapot')).jobs;
  const none = (await shop.order('nobody@shop.example', 'teapot')).jobs;
  expect(await shop.jobs.drain()).toMatchObject({ completed: 6, retried: 1, failed: 1 });
  expect(await shop.jobs.drain()).toMatchObject({ retried: 0, failed: 0 });
  expect(await state(shop, busy.email)).not.toBe('failed');
  expect(await state(shop, none.email)).toBe('failed');
  expect(await shop.jobs.advance('2s')).toMatchObject({ retried: 1, failed: 0 });
});

test('a wrong order is refused, and no job comes of it', async () => {
  const shop = await openShop();
  await expect(shop.order('ada', '')).rejects.toThrow(/400 .*email.*item/);
  expect(shop.jobs).not.toHavePublished(OrderMail);
});

test('the id of a request is told to the customer, and goes along to the log lines of its jobs', async () => {
  const lines: unknown[] = [];
  const log = vi.spyOn(Logger.prototype, 'log').mockImplementation((line: unknown) => void lines.push(line));
  onTestFinished(() => log.mockRestore());
  const shop = await openShop();
  const given = await shop.order('ada@example.org', 'teapot', { 'x-request-id': 'from-the-proxy' });
  const made = await shop.order('ada@example.org', 'kettle', { 'x-request-id': 'no id\tat all' });
  expect(given.requestId).toBe('from-the-proxy');
  expect(made.requestId).toMatch(/^[\da-f-]{36}$/);

  await shop.jobs.drain();
  for (const { jobs, requestId } of [given, made]) {
    for (const id of [jobs.email, jobs.label]) {
      const [line] = lines.filter((one) => String(one).includes(id));
      expect(line).toMatch(new RegExp(` of request ${requestId}$`));
    }
  }
});
