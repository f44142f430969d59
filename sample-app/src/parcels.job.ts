import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown, type OnModuleInit, UseInterceptors } from '@nestjs/common';
import { type Job, JobHandler } from 'nestjs-jobs';
import { JobLog } from './job-log.interceptor.js';
import { Handover, type Order, Sale } from './jobs.js';
import { JsonLines } from './json-lines.js';
import { Noted } from './noted.interceptor.js';
import { Once } from './once.interceptor.js';
import { Sales } from './sales.service.js';
import { config } from './shop.config.js';

/** What becomes of a parcel once it has its label. */
@Injectable()
export class Parcels implements OnModuleInit, OnApplicationShutdown {
  private carrier?: JsonLines<{ label: string; to: string }>;

  constructor(private readonly sales: Sales) {}

  onModuleInit(): void {
    this.carrier = new JsonLines(join(config.data, 'carrier.jsonl'));
  }

  onApplicationShutdown(): void {
    this.carrier?.close();
  }

  /** What is shipped is sold. */
  @JobHandler(Sale)
  @UseInterceptors(JobLog, Noted)
  sell(order: Order, job: Job) {
    this.sales.note(job, order);
    return order;
  }

  @JobHandler(Handover)
  @UseInterceptors(JobLog, Once)
  handOver({ email }: Order, { id }: Job) {
    this.carrier?.append({ label: id, to: email });
  }
}
