import { isUtf8 } from 'node:buffer';

/** A line of a file. */
export interface Line {
  /** 1 the first. */
  readonly number: number;
  /** Undefined where it is too long, or no UTF-8. */
  readonly text: string | undefined;
  /** Why it has no text. */
  readonly problem?: string;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** The lines of a stream of bytes, never holding more than one and a chunk, however long a line may be. */
export async function* linesOf(source: AsyncIterable<Uint8Array>, longestBytes: number): AsyncGenerator<Line> {
  let number = 1;
  let parts: Uint8Array[] = [];
  let length = 0;
  const add = (part: Uint8Array): void => {
    length += part.length;
    if (length > longestBytes) parts = [];
    else if (part.length > 0) parts.push(part);
  };
  const take = (): Line => {
    const line = lineOf(number, parts, length, longestBytes);
    number += 1;
    parts = [];
    length = 0;
    return line;
  };
  for await (const chunk of source) {
    let from = 0;
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      add(chunk.subarray(from, at));
      yield take();
      from = at + 1;
    }
    add(chunk.subarray(from));
  }
  if (length > 0) yield take();
}

function lineOf(number: number, parts: readonly Uint8Array[], length: number, longestBytes: number): Line {
  if (length > longestBytes) {
    return { number, text: undefined, problem: `expected at most ${longestBytes} bytes, got ${length}` };
  }
  let bytes = Buffer.concat(parts);
  if (bytes.at(-1) === RETURN) bytes = bytes.subarray(0, -1);
  if (!isUtf8(bytes)) return { number, text: undefined, problem: 'expected UTF-8 text' };
  const text = bytes.toString('utf8');
  return { number, text: number === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text };
}
