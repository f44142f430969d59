import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** A network between clients and a server that can break. */
export class BeanstalkdProxy {
  readonly host = '127.0.0.1';
  private readonly sockets = new Set<Socket>();
  private broken = false;
  private swallowing = false;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on('connection', (near) => this.join(near));
  }

  static async to(port: number): Promise<BeanstalkdProxy> {
    const server = createServer({ noDelay: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new BeanstalkdProxy(server, port);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** From now on commands arrive, and replies don't. */
  swallowReplies(): void {
    this.swallowing = true;
  }

  /** Resets all connections, and new ones too until it is mended. */
  break(): void {
    this.broken = true;
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  mend(): void {
    this.broken = false;
    this.swallowing = false;
  }

  async close(): Promise<void> {
    this.break();
    this.server.close();
    await once(this.server, 'close');
  }

  private join(near: Socket): void {
    near.on('error', () => undefined);
    if (this.broken) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: this.target, host: this.host, noDelay: true });
    far.on('error', () => undefined);
    far.on('data', (bytes) => {
      if (!this.swallowing) near.write(bytes);
    });
    near.pipe(far);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }
}
