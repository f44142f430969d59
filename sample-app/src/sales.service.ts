import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { Job } from 'nestjs-jobs';
import type { Order } from './jobs.js';
import { JsonLines } from './json-lines.js';
import { config } from './shop.config.js';

interface Sale {
  /** The job's whose work it was: one that is run twice is counted once. */
  id: string;
  day: string;
  item: string;
}

/** What was sold on which day (in UTC). */
@Injectable()
export class Sales implements OnModuleInit, OnApplicationShutdown {
  private file?: JsonLines<Sale>;

  onModuleInit(): void {
    this.file = new JsonLines(join(config.data, 'sales.jsonl'));
  }

  onApplicationShutdown(): void {
    this.file?.close();
  }

  note({ id, publishedAt }: Pick<Job, 'id' | 'publishedAt'>, { item }: Order): void {
    this.file?.append({ id, day: publishedAt.toISOString().slice(0, 10), item });
  }

  /** How many of each item. */
  async of(day: string): Promise<ReadonlyMap<string, number>> {
    const items = new Map<string, number>();
    const seen = new Set<string>();
    for await (const sale of this.file?.read() ?? []) {
      if (sale.day !== day || seen.has(sale.id)) continue;
      seen.add(sale.id);
      items.set(sale.item, (items.get(sale.item) ?? 0) + 1);
    }
    return items;
  }
}
