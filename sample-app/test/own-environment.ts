import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

/** The tests are about the shop as it comes: in a folder of its own, whatever the environment says otherwise. */
export default async function ownEnvironment({ config }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'shop-'));
  const set = Object.keys(process.env).filter((name) => /^(SHOP_|JOBS_URL$|SMTP_URL$)/.test(name));
  const unset = Object.fromEntries(set.map((name) => [name, '']));
  config.env = { ...config.env, ...unset, SHOP_DATA: folder };
  return () => rm(folder, { recursive: true, force: true });
}
