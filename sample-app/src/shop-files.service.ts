import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { config } from './shop.config.js';

const DRAFTS = join(config.data, 'drafts');
const LABELS = join(config.data, 'labels');
const PICTURES = join(config.data, 'pictures');
const THUMBNAILS = join(config.data, 'thumbnails');

/** Where the shop keeps its files. An id is encoded before it becomes a name, for a visitor's may hold `../`. */
@Injectable()
export class ShopFiles implements OnModuleInit {
  async onModuleInit(): Promise<void> {
    // What lies there was being written when the shop was killed; its jobs write it again.
    await rm(DRAFTS, { recursive: true, force: true });
    for (const directory of [DRAFTS, LABELS, PICTURES, THUMBNAILS]) await mkdir(directory, { recursive: true });
  }

  label(job: string): string {
    return join(LABELS, `${encodeURIComponent(job)}.pdf`);
  }

  picture(name: string): string {
    return join(PICTURES, `${encodeURIComponent(name)}.original`);
  }

  thumbnail(job: string): string {
    return join(THUMBNAILS, `${encodeURIComponent(job)}.webp`);
  }

  /** Nobody ever sees half a file, and a file that was written survives a power cut, as the job that speaks of it does. */
  async write(path: string, bytes: Buffer): Promise<void> {
    const draft = join(DRAFTS, randomUUID());
    try {
      await writeFile(draft, bytes, { flush: true });
      await rename(draft, path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await sync(dirname(path));
  }
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
