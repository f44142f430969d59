import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  BadRequestException,
  Body,
  Controller,
  Get,
  Headers,
  NotFoundException,
  Param,
  Post,
  StreamableFile,
  UnprocessableEntityException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import { JobFailedError, JobResultTimeoutError, PublisherService } from 'nestjs-jobs';
import { Thumbnail } from './jobs.js';
import { ShopFiles } from './shop-files.service.js';

@Controller('pictures')
export class PicturesController {
  constructor(
    private readonly publisher: PublisherService,
    private readonly files: ShopFiles,
  ) {}

  @Post()
  async post(@Headers('content-type') type: string | undefined, @Body() body: unknown) {
    if (!type || !/^image\//i.test(type)) {
      throw new UnsupportedMediaTypeException('Send a picture as the body, with a Content-Type such as image/jpeg');
    }
    if (!Buffer.isBuffer(body) || body.length === 0) throw new BadRequestException('The body is empty');

    const id = randomUUID();
    // First the picture, then the job: a worker may start it before publish returns.
    await this.files.write(this.files.picture(id), body);
    const job = await this.publisher.publish(Thumbnail, { picture: id }, { id });
    return { job: job.id };
  }

  /** Waits for it: whoever shows it wants to leave room of its size. */
  @Get(':id/size')
  async size(@Param('id') id: string) {
    try {
      return await this.publisher.job(Thumbnail, id).result({ timeout: '10s' });
    } catch (error) {
      if (error instanceof JobFailedError) throw new UnprocessableEntityException(error.message);
      if (error instanceof JobResultTimeoutError) throw new NotFoundException(`There is no thumbnail "${id}" yet`);
      throw error;
    }
  }

  @Get(':id/thumbnail')
  async thumbnail(@Param('id') id: string) {
    try {
      return new StreamableFile(await readFile(this.files.thumbnail(id)), { type: 'image/webp' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      throw new NotFoundException(`There is no thumbnail "${id}" yet`);
    }
  }
}
