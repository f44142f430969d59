import { show } from '../../../core/show.js';
import { ProtocolFault } from './errors.js';

/** One reply of the server. */
export interface Reply {
  /** What it begins with: `INSERTED`. */
  readonly word: string;
  readonly args: readonly string[];
  /** Empty where the reply has none. */
  readonly body: Buffer;
}

/** The replies that have a body, and how many fields their line has, the last being the body's size. */
const FIELDS_WITH_BODY = new Map([
  ['RESERVED', 3],
  ['FOUND', 3],
  ['OK', 2],
]);

const NO_BODY = Buffer.alloc(0);
const NEW_LINE = 10;
const RETURN = 13;

/** Longer than any line of the server's. */
const LONGEST_LINE = 1_024;

/** The largest body that a server can be told to take. */
const LARGEST_BODY = 2 ** 30;

/**
 * Cuts what a server sends into replies, however it was cut on its way. Either between replies, within a line, of which
 * `begun` is what came so far, or within the `body` of `awaited`, of which `missing` bytes are to come.
 */
export class ReplyParser {
  private begun: Buffer = NO_BODY;
  private awaited: { readonly word: string; readonly args: readonly string[] } | undefined;
  /** A copy, for a part of the chunk would keep the whole chunk in memory; with its CRLF. */
  private body: Buffer = NO_BODY;
  private missing = 0;

  /** @param onReply hears of each reply; what it throws ends the parsing */
  constructor(private readonly onReply: (reply: Reply) => void) {}

  /** @throws ProtocolFault where it is no reply */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at = this.awaited ? this.readBody(chunk, at) : this.readLine(chunk, at);
  }

  private readLine(chunk: Buffer, from: number): number {
    const end = chunk.indexOf(NEW_LINE, from);
    const piece = chunk.subarray(from, end < 0 ? chunk.length : end);
    const line = this.begun.length === 0 ? piece : Buffer.concat([this.begun, piece]);
    if (line.length > LONGEST_LINE) throw new ProtocolFault(`a line of more than ${LONGEST_LINE} bytes`);
    if (end < 0) {
      this.begun = Buffer.from(line);
      return chunk.length;
    }
    this.begun = NO_BODY;
    if (line[line.length - 1] !== RETURN)
      throw new ProtocolFault(`a line without CR: ${show(line.toString('latin1'))}`);
    this.begin(line.toString('latin1', 0, line.length - 1));
    return end + 1;
  }

  private begin(line: string): void {
    const [word = '', ...args] = line.split(' ');
    const fields = FIELDS_WITH_BODY.get(word);
    if (fields === undefined) return this.onReply({ word, args, body: NO_BODY });
    const size = args.at(-1) ?? '';
    if (args.length !== fields - 1 || !/^[0-9]{1,10}$/.test(size) || Number(size) > LARGEST_BODY) {
      throw new ProtocolFault(`a reply without its size: ${show(line)}`);
    }
    this.awaited = { word, args };
    this.missing = Number(size) + 2;
    this.body = Buffer.allocUnsafe(this.missing);
  }

  private readBody(chunk: Buffer, from: number): number {
    const end = Math.min(from + this.missing, chunk.length);
    chunk.copy(this.body, this.body.length - this.missing, from, end);
    this.missing -= end - from;
    if (this.missing === 0) this.finish();
    return end;
  }

  private finish(): void {
    const { body, awaited } = this;
    const size = body.length - 2;
    this.awaited = undefined;
    this.body = NO_BODY;
    if (!endsAsItMay(body)) throw new ProtocolFault('a body that ends otherwise');
    if (awaited) this.onReply({ ...awaited, body: body.subarray(0, size) });
  }
}

/** With CRLF, or with NULs: the server's binlog keeps both ends of a body, and what was torn there reads as zeros. */
function endsAsItMay(body: Buffer): boolean {
  const [last, end] = [body.at(-2), body.at(-1)];
  return (last === RETURN && end === NEW_LINE) || (last === 0 && end === 0);
}
