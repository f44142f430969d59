import { join } from 'node:path';
import { newConsumer, newPublisher, openFiler, request, requests } from '../core-setup.js';
import { inFolder } from '../folder.js';
import { inPairs, type Side } from '../pairs.js';
import { ratioRow, type Row } from '../row.js';

const FEW = 1_000;
export const MANY = 100_000;
const TURNS = 400;

/** What one job more costs, from its publish to the end of one handling, while others wait. */
export function backlogRows(): Promise<Row[]> {
  return inFolder(async (folder) => {
    const few = await Backlog.open(join(folder, 'few'), FEW);
    const many = await Backlog.open(join(folder, 'many'), MANY);
    // B's time by A's is the ratio: B is the one that may take longer.
    const { ratio, a, b } = await inPairs(11, TURNS, few.side, many.side);
    await few.close();
    await many.close();
    const info = `${(b * 1000).toFixed(0)} µs a job; with ${FEW} waiting ${(a * 1000).toFixed(0)} µs`;
    return [ratioRow(`one job's cost with ${MANY} waiting, by that with ${FEW}`, ratio, { most: 1.5 }, info)];
  });
}

/** A queue in which the same number of jobs waits at each turn. */
class Backlog {
  /** Ends the job that runs. */
  private finish = (): void => undefined;
  private started = (): void => undefined;

  private constructor(
    private readonly publish: () => Promise<unknown>,
    readonly close: () => Promise<void>,
  ) {}

  static async open(directory: string, count: number): Promise<Backlog> {
    const backend = await openFiler({ directory, durable: false });
    const publisher = newPublisher(backend);
    for (let left = count; left > 0; left -= FEW) await publisher.publishMany(requests(FEW));
    const { name, payload } = request(0);
    const consumer = newConsumer(backend, { concurrency: 1, handle: () => backlog.handle() });
    const close = async (): Promise<void> => {
      backlog.finish();
      await consumer.stop(0);
      await backend.close();
    };
    const backlog = new Backlog(() => publisher.publish(name, payload), close);
    const first = backlog.start();
    consumer.start();
    await first;
    return backlog;
  }

  readonly side: Side = {
    timed: async () => {
      for (let turn = 0; turn < TURNS; turn++) {
        await this.publish();
        const next = this.start();
        this.finish();
        await next;
      }
    },
  };

  private handle(): Promise<void> {
    return new Promise((resolve) => {
      this.finish = resolve;
      this.started();
    });
  }

  private start(): Promise<void> {
    return new Promise((resolve) => (this.started = resolve));
  }
}
