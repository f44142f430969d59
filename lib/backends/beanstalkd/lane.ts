import { randomUUID } from 'node:crypto';
import { Client } from './client/client.js';
import { connect, type Address } from './client/connect.js';

/** How many jobs a connection should hold: the server looks through all of them for each that ends. */
const MOST_HELD = 100;

/** A job that a lane holds, as far as the lane needs to know it. */
interface Held {
  lose(): void;
}

/**
 * A connection that reserves from one tube, and through which the jobs that it has reserved are settled. While a reserve
 * waits the server reads nothing else from it: so it waits only while it holds no job.
 */
export class Lane {
  readonly held = new Set<Held>();
  private readonly name = randomUUID();
  private receipts = 0;

  private constructor(readonly client: Client) {
    client.connection.ended.signal.addEventListener('abort', () => {
      for (const job of [...this.held]) job.lose();
    });
  }

  static async open(address: Address, tube: string): Promise<Lane> {
    const client = new Client(await connect(address));
    await client.watchOnly(tube);
    return new Lane(client);
  }

  get ended(): boolean {
    return this.client.connection.ended.signal.aborted;
  }

  get isEmpty(): boolean {
    return this.held.size === 0;
  }

  get hasRoom(): boolean {
    return this.held.size < MOST_HELD;
  }

  /** Unique to a delivery: of this connection, and never given twice. */
  newReceipt(): string {
    return `${this.name}:${++this.receipts}`;
  }
}
