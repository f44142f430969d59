import type { BackendError, StoredReceipt } from '../../core/backend.js';
import type { Message } from '../../core/message.js';
import { Client } from './client/client.js';
import type { NewJob } from './client/commands.js';
import { connect } from './client/connect.js';
import { CommandRefused, ConnectionLost } from './client/errors.js';
import { fault } from './fault.js';
import { jobOf } from './new-job.js';
import type { Server } from './server.js';

/** The connection for publishing, and the tube that it puts into. */
interface Link {
  readonly client: Client;
  tube: string | undefined;
}

const RECEIPT: StoredReceipt = { duplicate: undefined };
const ONE_RECEIPT: readonly StoredReceipt[] = [RECEIPT];

/** Publishes on one connection: pipelined, each publish after the one before. Opens another where it was lost. */
export class Publishing {
  private link: Link | undefined;
  private opening: Promise<Link> | undefined;
  /** The last publish that is still sending; undefined where a new one may begin. */
  private sending: Promise<unknown> | undefined;
  private closed = false;

  constructor(
    private readonly server: Server,
    private readonly ttr: number,
    client: Client,
  ) {
    this.link = this.linkOf(client);
  }

  /** @throws BackendError */
  async publish(tube: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    const { link, ttr } = this;
    const { address, maxBytes } = this.server;
    const [message] = messages;
    // Most publish one job, and this takes a fraction of the other's time.
    if (link && message && messages.length === 1 && this.isFree(link)) {
      const job = jobOf(message, ttr, maxBytes);
      use(link, tube);
      try {
        await link.client.put(job);
        return ONE_RECEIPT;
      } catch (reason) {
        throw this.failed([{ status: 'rejected', reason }]);
      }
    }
    const jobs = messages.map((each) => jobOf(each, ttr, maxBytes));
    if (this.closed) throw fault(address, new Error('it was closed'));
    const outcomes = await this.inTurn(tube, jobs);
    if (outcomes.every(({ status }) => status === 'fulfilled')) return messages.map(() => RECEIPT);
    throw this.failed(outcomes);
  }

  /** How many jobs of a tube wait, with what was published before: the server answers in turn. @throws BackendError */
  async waiting(tube: string): Promise<number> {
    if (this.closed) throw fault(this.server.address, new Error('it was closed'));
    await this.sending?.catch(() => undefined);
    try {
      const stats = await (await this.linked()).client.statsTube(tube);
      return stats ? stats.number('current-jobs-ready') + stats.number('current-jobs-delayed') : 0;
    } catch (error) {
      throw fault(this.server.address, error);
    }
  }

  /** Lets what is under way end, and frees the connection. */
  async close(): Promise<void> {
    this.closed = true;
    await this.sending?.catch(() => undefined);
    await this.link?.client.connection.close();
  }

  /** Sends once all before have been sent. Resolves with what became of each job. */
  private inTurn(tube: string, jobs: readonly NewJob[]): Promise<readonly Outcome[]> {
    const { link, sending } = this;
    if (link && jobs.length < AT_ONCE && this.isFree(link)) return this.putAll(link, tube, jobs);
    const sent = this.putInParts(sending, tube, jobs);
    const done = sent
      .catch(() => undefined)
      .then(() => {
        if (this.sending === done) this.sending = undefined;
      });
    this.sending = done;
    return sent.then(async (parts) => (await Promise.all(parts)).flat());
  }

  /** Resolves once all is sent, with what is still to become of it. */
  private async putInParts(
    before: Promise<unknown> | undefined,
    tube: string,
    jobs: readonly NewJob[],
  ): Promise<readonly Promise<readonly Outcome[]>[]> {
    await before;
    const parts: Promise<readonly Outcome[]>[] = [];
    const link = await this.linked();
    for (let from = 0; from < jobs.length; from += AT_ONCE) {
      await link.client.connection.uncongested();
      parts.push(this.putAll(link, tube, jobs.slice(from, from + AT_ONCE)));
    }
    return parts;
  }

  /** Whether what is put now is sent after all that was published before, and at once. */
  private isFree(link: Link): boolean {
    return !this.closed && !this.sending && !link.client.connection.congested;
  }

  private putAll(link: Link, tube: string, jobs: readonly NewJob[]): Promise<readonly Outcome[]> {
    use(link, tube);
    return Promise.allSettled(jobs.map((each) => link.client.put(each)));
  }

  private failed(outcomes: readonly Outcome[]): BackendError {
    const stored = outcomes.findIndex(({ status }) => status === 'rejected');
    const rest = outcomes.slice(stored);
    const [first] = rest;
    const error: unknown = first?.status === 'rejected' ? first.reason : undefined;
    return fault(this.server.address, error, { stored, maybeStored: rest.some(mayBeStored) });
  }

  private linked(): Link | Promise<Link> {
    if (this.link) return this.link;
    this.opening ??= connect(this.server.address)
      .then(
        (connection) => (this.link = this.linkOf(new Client(connection))),
        (error: unknown) => {
          throw fault(this.server.address, error);
        },
      )
      .finally(() => (this.opening = undefined));
    return this.opening;
  }

  private linkOf(client: Client): Link {
    const link: Link = { client, tube: undefined };
    client.connection.ended.signal.addEventListener('abort', () => {
      if (this.link === link) this.link = undefined;
    });
    return link;
  }
}

type Outcome = PromiseSettledResult<unknown>;

/** How many jobs are put before the connection is asked whether it can take more. */
const AT_ONCE = 500;

/** What is put next goes into the tube. Where it fails, the connection is lost, and the puts say so. */
function use(link: Link, tube: string): void {
  if (link.tube === tube) return;
  link.tube = tube;
  link.client.use(tube).catch(() => link.client.connection.destroy('the tube could not be used'));
}

function mayBeStored(outcome: Outcome): boolean {
  if (outcome.status === 'fulfilled') return true;
  const error: unknown = outcome.reason;
  if (error instanceof ConnectionLost) return error.written;
  return error instanceof CommandRefused && error.word === 'BURIED';
}
