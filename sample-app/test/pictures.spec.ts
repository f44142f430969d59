import { readFile } from 'node:fs/promises';
import { jobMatchers } from 'nestjs-jobs/testing';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { Thumbnail } from '../src/jobs.js';
import { NoPicture } from '../src/make-thumbnail.job.js';
import { openShop, type OpenShop } from './open-shop.js';

expect.extend(jobMatchers);

async function post({ url }: OpenShop, type: string, body: Uint8Array<ArrayBuffer>): Promise<string> {
  const answer = await fetch(`${url}/pictures`, { method: 'POST', headers: { 'content-type': type }, body });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { job: string }).job;
}

test('a picture is made small, once its job has run', async () => {
  const shop = await openShop();
  const teapot = new Uint8Array(await readFile(new URL('../teapot.svg', import.meta.url)));
  const job = await post(shop, 'image/svg+xml', teapot);
  expect(shop.jobs).toHavePublished(Thumbnail, { picture: job });
  const thumbnail = `${shop.url}/pictures/${job}/thumbnail`;
  expect((await fetch(thumbnail)).status).toBe(404);

  await shop.jobs.drain();
  expect(await (await fetch(`${shop.url}/pictures/${job}/size`)).json()).toMatchObject({ width: 200 });
  const { format, width } = await sharp(await (await fetch(thumbnail)).arrayBuffer()).metadata();
  expect({ format, width }).toEqual({ format: 'webp', width: 200 });
});

test('what is no picture fails at once', async () => {
  const shop = await openShop();
  const picture = await post(shop, 'image/png', new TextEncoder().encode('no picture'));
  expect(await shop.jobs.drain()).toMatchObject({ failed: 1, retried: 0 });
  const outcome = await shop.jobs.run(Thumbnail, { picture });
  expect(outcome).toMatchObject({ kind: 'failed', error: expect.any(NoPicture) });
  expect((await fetch(`${shop.url}/pictures/${picture}/size`)).status).toBe(422);
});
