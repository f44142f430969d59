import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { connect } from '../../../lib/backends/beanstalkd/client/connect.js';

/** A server that says what a test tells it to, and remembers what it was told. */
export class FakeServer {
  private received = Buffer.alloc(0);
  private readonly clients: Client[] = [];
  private socket: Socket | undefined;

  private constructor(private readonly server: Server) {}

  static async listen(): Promise<FakeServer> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeServer(server);
  }

  async client(commandMs = 5_000): Promise<Client> {
    const { port } = this.server.address() as AddressInfo;
    const accepted = once(this.server, 'connection') as Promise<[Socket]>;
    const client = new Client(await connect({ host: '127.0.0.1', port }, { connectMs: 5_000, commandMs }));
    const [socket] = await accepted;
    this.socket = socket;
    this.received = Buffer.alloc(0);
    socket.on('data', (chunk) => (this.received = Buffer.concat([this.received, chunk])));
    socket.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  get heard(): string {
    return this.received.toString('latin1');
  }

  async hears(text: string): Promise<void> {
    for (const end = Date.now() + 5_000; !this.heard.includes(text); await sleep(1)) {
      if (Date.now() > end)
        throw new Error(`expected to hear ${JSON.stringify(text)}, got ${JSON.stringify(this.heard)}`);
    }
  }

  /** Sends each piece in a packet of its own, as far as that can be had. */
  async says(...pieces: readonly (string | Uint8Array)[]): Promise<void> {
    for (const piece of pieces) {
      this.socket?.write(piece);
      await sleep(1);
    }
  }

  hangUp(): void {
    this.socket?.destroy();
  }

  async close(): Promise<void> {
    for (const client of this.clients) client.connection.destroy('the test is over');
    this.server.close();
    await once(this.server, 'close');
  }
}
