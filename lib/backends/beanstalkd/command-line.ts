import { BackendError } from '../../core/backend.js';
import { Client } from './client/client.js';
import { connect } from './client/connect.js';
import { fault } from './fault.js';
import type { Server } from './server.js';

/** A connection for commands that wait for nothing: opened when it is first needed, and again where it was lost. */
export class CommandLine {
  private client: Client | undefined;
  private opening: Promise<Client> | undefined;
  private closed = false;

  constructor(private readonly server: Server) {}

  /**
   * Does something by it, which must not outlive the connection: ids that it has learnt may be another's afterwards.
   *
   * @throws BackendError
   */
  async use<T>(act: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await act(this.client ?? (await this.opened()));
    } catch (error) {
      throw fault(this.server.address, error);
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.opening?.catch(() => undefined);
    await this.client?.connection.close();
  }

  private opened(): Promise<Client> {
    if (this.closed) return Promise.reject(new BackendError('beanstalkd is closed', { passing: false }));
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async open(): Promise<Client> {
    const client = new Client(await connect(this.server.address));
    client.connection.ended.signal.addEventListener('abort', () => {
      if (this.client === client) this.client = undefined;
    });
    this.client = client;
    return client;
  }
}
