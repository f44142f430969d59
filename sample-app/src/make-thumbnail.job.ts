import { readFile } from 'node:fs/promises';
import { Fatal, type Job, JobHandler, type PayloadOf } from 'nestjs-jobs';
import sharp from 'sharp';
import { Thumbnail } from './jobs.js';
import { JobLedger } from './job-ledger.service.js';
import { ShopFiles } from './shop-files.service.js';

/** To try again would not make it one. */
@Fatal()
export class NoPicture extends Error {}

@JobHandler(Thumbnail)
export class MakeThumbnail {
  constructor(
    private readonly files: ShopFiles,
    private readonly ledger: JobLedger,
  ) {}

  handle({ picture }: PayloadOf<typeof Thumbnail>, job: Job) {
    return this.ledger.once(job, async () => {
      const bytes = await readFile(this.files.picture(picture));
      await this.files.write(this.files.thumbnail(job.id), await shrink(bytes));
    });
  }
}

async function shrink(bytes: Buffer): Promise<Buffer> {
  try {
    return await sharp(bytes)
      .autoOrient()
      .resize(200, 200, { fit: 'inside', withoutEnlargement: true })
      .webp()
      .toBuffer();
  } catch (cause) {
    throw new NoPicture('these bytes are no picture that can be read', { cause });
  }
}
