import { buffer } from 'node:stream/consumers';
import { UseInterceptors } from '@nestjs/common';
import { type Job, JobHandler } from 'nestjs-jobs';
import PDFDocument from 'pdfkit';
import { JobLog } from './job-log.interceptor.js';
import { Label, type Order } from './jobs.js';
import { Noted } from './noted.interceptor.js';
import { ShopFiles } from './shop-files.service.js';

@JobHandler(Label)
@UseInterceptors(JobLog, Noted)
export class ShippingLabel {
  constructor(private readonly files: ShopFiles) {}

  async handle(order: Order, job: Job) {
    await this.files.write(this.files.label(job.id), await draw(order, job.id));
    return order;
  }
}

function draw({ email, item }: Order, number: string): Promise<Buffer> {
  const page = new PDFDocument({ size: 'A6', margin: 24, info: { Title: `Label ${number}` } });
  page.fontSize(18).text('Ship to').moveDown();
  page.fontSize(14).text(email).text(item).moveDown();
  page.fontSize(8).text(number).end();
  return buffer(page);
}
