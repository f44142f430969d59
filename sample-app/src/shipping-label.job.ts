import { buffer } from 'node:stream/consumers';
import { type Job, JobHandler } from 'nestjs-jobs';
import PDFDocument from 'pdfkit';
import { Label, type Order } from './jobs.js';
import { JobLedger } from './job-ledger.service.js';
import { ShopFiles } from './shop-files.service.js';

@JobHandler(Label)
export class ShippingLabel {
  constructor(
    private readonly files: ShopFiles,
    private readonly ledger: JobLedger,
  ) {}

  handle(order: Order, job: Job) {
    return this.ledger.once(job, async () => {
      await this.files.write(this.files.label(job.id), await draw(order, job.id));
    });
  }
}

function draw({ email, item }: Order, number: string): Promise<Buffer> {
  const page = new PDFDocument({ size: 'A6', margin: 24, info: { Title: `Label ${number}` } });
  page.fontSize(18).text('Ship to').moveDown();
  page.fontSize(14).text(email).text(item).moveDown();
  page.fontSize(8).text(number).end();
  return buffer(page);
}
