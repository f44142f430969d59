import { once } from 'node:events';
import { styleText } from 'node:util';

/** Who read what was printed has gone, as `| head` does: no more is to be made, and nothing is wrong. */
export class OutputClosedError extends Error {
  override readonly name = 'OutputClosedError';
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** What a command prints: its answer on stdout, everything else on stderr. */
export class Terminal {
  private closed = false;

  constructor(
    /** Whether the answer is JSON. */
    readonly json: boolean,
    /** What is never to be shown, taken out of a text. */
    private readonly shown: (text: string) => string,
  ) {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      this.closed = true;
    });
    // Nobody is left to be told.
    process.stderr.on('error', () => undefined);
  }

  /** Whether somebody looks at the answer as it comes. */
  get isInteractive(): boolean {
    return !this.json && process.stdout.isTTY === true;
  }

  /** How many characters a line of it has. */
  get columns(): number {
    return this.isInteractive ? process.stdout.columns || 80 : Infinity;
  }

  /** @throws OutputClosedError */
  async print(line: string): Promise<void> {
    await this.write(`${line}\n`);
  }

  /** A JSON document, on one line. @throws OutputClosedError */
  async printJson(value: unknown): Promise<void> {
    await this.print(JSON.stringify(value));
  }

  /** Without the end of a line. @throws OutputClosedError */
  async write(text: string): Promise<void> {
    if (this.closed) throw new OutputClosedError('nobody reads the output');
    if (!process.stdout.write(this.shown(text))) {
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(() => undefined);
    }
    // What was written to a closed pipe is told a moment later.
    if (this.closed) throw new OutputClosedError('nobody reads the output');
  }

  /** Says something on stderr. */
  say(line: string): void {
    process.stderr.write(`${this.shown(line)}\n`);
  }

  /** With colours, where the answer goes to a terminal that wants them. */
  style(style: Style | readonly Style[], text: string): string {
    return this.isInteractive && wantsColours() ? styleText(style as Style, text) : text;
  }
}

export function wantsColours(): boolean {
  return !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb';
}
