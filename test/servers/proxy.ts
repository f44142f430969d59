import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between a client and a server of this machine that can break. */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private refusing = false;
  private mute = false;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (socket) => this.join(socket));
  }

  static async to(port: number): Promise<Proxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Proxy(server, port);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.sockets.size / 2;
  }

  /** From now on new connections are reset, until {@link mend}; those that are there stay. */
  refuse(): void {
    this.refusing = true;
  }

  /** From now on requests arrive, and answers don't. */
  swallowAnswers(): void {
    this.mute = true;
  }

  /** Resets every connection; with `refuse`, new ones too, until {@link mend}. */
  cut(refuse = false): void {
    this.refusing = refuse;
    for (const socket of this.sockets) socket.resetAndDestroy();
    this.mute = false;
  }

  mend(): void {
    this.refusing = false;
    this.mute = false;
  }

  async close(): Promise<void> {
    this.server.close();
    this.cut(true);
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    if (this.refusing) return void near.resetAndDestroy();
    const far = connect({ port: this.target, host: '127.0.0.1', noDelay: true });
    near.pipe(far);
    far.on('data', (bytes: Buffer) => {
      if (!this.mute) near.write(bytes);
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }
}
