import { readFile } from 'node:fs/promises';
import { UseInterceptors } from '@nestjs/common';
import { Fatal, type Job, JobHandler, type PayloadOf } from 'nestjs-jobs';
import sharp from 'sharp';
import { JobLog } from './job-log.interceptor.js';
import { Thumbnail } from './jobs.js';
import { Noted } from './noted.interceptor.js';
import { ShopFiles } from './shop-files.service.js';

/** To try again would not make it one. */
@Fatal()
export class NoPicture extends Error {}

@JobHandler(Thumbnail)
@UseInterceptors(JobLog, Noted)
export class MakeThumbnail {
  constructor(private readonly files: ShopFiles) {}

  async handle({ picture }: PayloadOf<typeof Thumbnail>, job: Job) {
    const bytes = await readFile(this.files.picture(picture));
    const { data, info } = await shrink(bytes);
    await this.files.write(this.files.thumbnail(job.id), data);
    return { width: info.width, height: info.height };
  }
}

async function shrink(bytes: Buffer) {
  try {
    return await sharp(bytes)
      .autoOrient()
      .resize(200, 200, { fit: 'inside', withoutEnlargement: true })
      .webp()
      .toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw new NoPicture('these bytes are no picture that can be read', { cause });
  }
}
