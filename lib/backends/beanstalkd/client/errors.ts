/** The connection ended before a command was answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  /** A new connection may do. */
  readonly passing = true;
  /** Whether the server may have seen the command: if not, nothing has happened; if so, nobody knows. */
  readonly written: boolean;

  constructor(message: string, options: { readonly written: boolean; readonly cause?: unknown }) {
    super(message, { cause: options.cause });
    this.written = options.written;
  }
}

/** The server understood a command and refused it; the connection goes on. */
export class CommandRefused extends Error {
  override readonly name = 'CommandRefused';

  constructor(
    /** The server's word. */
    readonly word: string,
    readonly passing: boolean,
    message: string,
  ) {
    super(message);
  }
}

/** What came is no reply to what was asked: nothing that this connection says can be believed any more. */
export class ProtocolFault extends Error {
  override readonly name = 'ProtocolFault';
  /** A new connection begins afresh. */
  readonly passing = true;
}
