import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { withConsumer, type ConsumerReport } from '../child.js';
import { filerUrl, newPublisher, openByUrl, request } from '../core-setup.js';
import { inFolder } from '../folder.js';
import { quantile } from '../pairs.js';
import type { Row } from '../row.js';

const JOBS = 200;
const P50_BELOW_MS = 5;
const MOST_MS = 100;

export function firstJobRows(): Promise<Row[]> {
  return inFolder(async (directory) => [await firstJobRow('first job of an idle queue', filerUrl(directory))]);
}

/** From the call of publish in one process to that of the handler in another, the queue being empty each time. */
export function firstJobRow(what: string, url: string): Promise<Row> {
  return withConsumer({ url, keep: false }, async (child) => {
    const backend = await openByUrl(url);
    const publisher = newPublisher(backend);
    const times: number[] = [];
    for (let n = 0; n < JOBS; n++) {
      // Not in step with any timer of the consumer.
      await setTimeout(10 + Math.random() * 40);
      const { name, payload } = request(n);
      const answer = once(child, 'message') as Promise<[ConsumerReport]>;
      const began = process.hrtime.bigint();
      await publisher.publish(name, payload);
      const [report] = await answer;
      if (report === 'ready') throw new Error('the consumer told something else');
      times.push(Number(BigInt(report.atNs) - began) / 1e6);
    }
    await backend.close();
    times.sort((a, b) => a - b);
    const [p50, p99, most] = [0.5, 0.99, 1].map((q) => quantile(times, q)) as [number, number, number];
    const ms = (value: number): string => `${value.toFixed(1)} ms`;
    return {
      what: `${what}, ${JOBS} times, from another process`,
      bar: `p50 < ${P50_BELOW_MS} ms, all ≤ ${MOST_MS} ms`,
      found: `p50 ${ms(p50)}, most ${ms(most)}`,
      ok: p50 < P50_BELOW_MS && most <= MOST_MS,
      info: `p99 ${ms(p99)}`,
    };
  });
}
