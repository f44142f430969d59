import type { Socket } from 'node:net';
import { systemClock } from '../../../core/clock.js';
import { show } from '../../../core/show.js';
import type { Command } from './commands.js';
import { CommandRefused, ConnectionLost, ProtocolFault } from './errors.js';
import { Pending } from './pending.js';
import { ReplyParser, type Reply } from './reply-parser.js';

/** Above so many bytes not taken by the network, or so many commands unanswered, senders should wait. */
const MOST_BUFFERED = 4 * 1024 * 1024;
const MOST_PENDING = 4_096;

/** How long a connection that we end may take to say its last words, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/**
 * One TCP connection, which is one epoch: it never reconnects. Commands are pipelined, those of one turn of the event
 * loop in one write, and answered in their order.
 *
 * It ends for good when the socket does, when the server is silent for longer than a command's deadline, and when a
 * reply comes that does not answer the command at the head: from then on every reply could be another command's. All
 * commands that were not answered are rejected then, each with whether it had been written.
 */
export class Connection {
  /** Aborts once the connection has ended, however it did. */
  readonly ended = new AbortController();
  private readonly pending = new Pending();
  private readonly parser = new ReplyParser((reply) => this.answer(reply));
  private out: (string | Uint8Array)[] = [];
  private unwritten: { written: boolean }[] = [];
  private flushing = false;
  private lost: Error | undefined;
  /** When the server last gave a sign of life or was first asked for one, by the clock's `monotonic()`. */
  private heardAt = 0;
  private cancelTimer: (() => void) | undefined;
  private readonly relieved: (() => void)[] = [];

  /**
   * @param socket connected
   * @param deadlineMs how long the server may take for a command, beside the waits that the command asks for
   */
  constructor(
    private readonly socket: Socket,
    private readonly deadlineMs: number,
  ) {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on('data', (chunk: Buffer) => this.read(chunk));
    socket.on('drain', () => this.relieve());
    socket.on('error', (error) => this.end(error));
    socket.on('close', () => this.end(new Error('closed by the server')));
  }

  /** Whether senders of many commands should wait for {@link uncongested} first. */
  get congested(): boolean {
    return this.pending.size >= MOST_PENDING || this.socket.writableLength >= MOST_BUFFERED;
  }

  /** Resolves once there is room again, or the connection has ended. */
  uncongested(): Promise<void> {
    if (!this.congested || this.lost) return Promise.resolve();
    return new Promise((resolve) => this.relieved.push(resolve));
  }

  /**
   * Sends a command, after all that were sent before.
   *
   * @throws ConnectionLost; CommandRefused where the server is out of memory
   */
  send(command: Command): Promise<Reply> {
    if (this.lost) return Promise.reject(lost(this.lost, false));
    return new Promise((resolve, reject) => {
      const unanswered = { command, written: false, resolve, reject };
      if (this.pending.size === 0) this.expectWord();
      this.pending.add(unanswered);
      this.unwritten.push(unanswered);
      this.out.push(`${command.line}\r\n`);
      if (command.body !== undefined) this.out.push(command.body, '\r\n');
      if (this.flushing) return;
      this.flushing = true;
      setImmediate(() => this.flush());
    });
  }

  /** Ends it at once. */
  destroy(reason: string): void {
    this.end(new Error(reason));
  }

  /**
   * Says goodbye: the server answers what it was sent before, ends a waiting reserve with TIMED_OUT, and closes.
   * Resolves once it has, or does not.
   */
  async close(): Promise<void> {
    if (this.lost) return;
    this.flush();
    this.socket.end();
    await new Promise<void>((resolve) => {
      const cancel = systemClock.after(LAST_WORDS_MS, resolve);
      this.ended.signal.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
    this.destroy('closed');
  }

  private flush(): void {
    this.flushing = false;
    if (this.lost || this.out.length === 0) return;
    for (const unanswered of this.unwritten) unanswered.written = true;
    const texts = this.out.every((part) => typeof part === 'string');
    this.socket.write(texts ? this.out.join('') : Buffer.concat(this.out.map((part) => Buffer.from(part))));
    this.out = [];
    this.unwritten = [];
  }

  private read(chunk: Buffer): void {
    if (this.lost) return;
    this.heardAt = systemClock.monotonic();
    try {
      this.parser.push(chunk);
    } catch (error) {
      this.end(error as Error);
    }
  }

  private answer({ word, args, body }: Reply): void {
    const { first } = this.pending;
    if (!first) throw new ProtocolFault(`got ${show(word)}, and nothing was asked`);
    const refused = word === 'OUT_OF_MEMORY';
    if (!refused && !first.command.words.has(word)) {
      throw new ProtocolFault(`got ${show(word)} as the answer to ${show(first.command.line)}`);
    }
    this.pending.removeFirst();
    if (this.pending.size === 0) this.expectNothing();
    if (refused) first.reject(new CommandRefused(word, true, 'it is out of memory, or its disk is full'));
    else first.resolve({ word, args, body });
    if (this.relieved.length > 0 && !this.congested) this.relieve();
  }

  private relieve(): void {
    for (const resolve of this.relieved.splice(0)) resolve();
  }

  private expectWord(): void {
    this.heardAt = systemClock.monotonic();
    this.cancelTimer ??= systemClock.after(this.deadlineMs, () => this.lookAtTheClock(false));
  }

  private expectNothing(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }

  /** @param hadItsTurn whether the socket was read since the deadline: a busy process is no silent server */
  private lookAtTheClock(hadItsTurn: boolean): void {
    const { first } = this.pending;
    if (!first || this.lost) return;
    const allowedMs = this.deadlineMs + (first.command.waitMs ?? 0);
    const leftMs = this.heardAt + allowedMs - systemClock.monotonic();
    if (leftMs > 0) this.cancelTimer = systemClock.after(leftMs, () => this.lookAtTheClock(false));
    else if (!hadItsTurn) setImmediate(() => this.lookAtTheClock(true));
    else this.end(new Error(`no answer to "${first.command.line.split(' ')[0]}" within ${allowedMs} ms`));
  }

  private end(reason: Error): void {
    if (this.lost) return;
    this.lost = reason;
    this.expectNothing();
    this.socket.destroy();
    for (const { written, reject } of this.pending.takeAll()) reject(lost(reason, written));
    this.relieve();
    this.ended.abort(reason);
  }
}

function lost(cause: Error, written: boolean): ConnectionLost {
  return new ConnectionLost(`the connection was lost: ${cause.message}`, { written, cause });
}
