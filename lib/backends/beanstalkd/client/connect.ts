import { connect as connectSocket, type Socket } from 'node:net';
import { systemClock } from '../../../core/clock.js';
import { Connection } from './connection.js';

/** Where a server listens: a host and a port, or a Unix socket. */
export interface Address {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
}

/** How long the server may take, in milliseconds. */
export interface Deadlines {
  /** To accept a connection. */
  readonly connectMs: number;
  /** To answer a command. A server that reads its binlog after a start accepts at once and answers late. */
  readonly commandMs: number;
}

export const DEADLINES: Deadlines = { connectMs: 5_000, commandMs: 10_000 };

/** An address as people write it. */
export function nameOf({ host, port, path }: Address): string {
  return path ?? (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`);
}

/**
 * Opens a connection.
 *
 * @throws Error of the system's where nobody accepts it in time
 */
export function connect(address: Address, deadlines: Deadlines = DEADLINES): Promise<Connection> {
  const { host, port, path } = address;
  const socket: Socket = connectSocket(path === undefined ? { host, port } : { path });
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      cancel();
      socket.destroy();
      reject(error);
    };
    const cancel = systemClock.after(deadlines.connectMs, () =>
      fail(new Error(`nobody accepted the connection within ${deadlines.connectMs} ms`)),
    );
    socket.once('error', fail);
    socket.once('connect', () => {
      cancel();
      socket.off('error', fail);
      resolve(new Connection(socket, deadlines.commandMs));
    });
  });
}
