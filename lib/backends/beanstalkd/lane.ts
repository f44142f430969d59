import { randomUUID } from 'node:crypto';
import { Client } from './client/client.js';
import { connect, type Address } from './client/connect.js';

/** How many jobs a connection should hold: the server looks through all of them for each that ends. */
const MOST_HELD = 100;

/** A job that a lane holds, as far as the lane needs to know it. */
interface Held {
  /** Whether its end was sent: the server will have heard of it when it reads what is sent next. */
  readonly leaving: boolean;
  /** Whether that follows as soon as the server has answered. */
  readonly closing: boolean;
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

  /** @param freed hears whenever it may hold less */
  private constructor(
    readonly client: Client,
    readonly freed: () => void,
  ) {
    client.connection.ended.signal.addEventListener('abort', () => {
      for (const job of [...this.held]) job.lose();
    });
  }

  static async open(address: Address, tube: string, freed: () => void): Promise<Lane> {
    const client = new Client(await connect(address));
    await client.watchOnly(tube);
    return new Lane(client, freed);
  }

  get ended(): boolean {
    return this.client.connection.ended.signal.aborted;
  }

  /** Whether the server finds it without a job when it reads what is sent next. */
  get canWait(): boolean {
    for (const job of this.held) if (!job.leaving) return false;
    return true;
  }

  /** Whether it will as soon as the server has answered what was sent. */
  get isEnding(): boolean {
    for (const job of this.held) if (!job.leaving && !job.closing) return false;
    return this.held.size > 0;
  }

  get hasRoom(): boolean {
    return this.held.size < MOST_HELD;
  }

  /** Unique to a delivery: of this connection, and never given twice. */
  newReceipt(): string {
    return `${this.name}:${++this.receipts}`;
  }
}
