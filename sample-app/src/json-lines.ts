import { appendFileSync, closeSync, createReadStream, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** A file of JSON lines that only grows: a crash can tear no line but the last. */
export class JsonLines<Entry> {
  private readonly file: number;

  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true });
    this.file = openSync(path, 'a');
    // Ends a line that a crash has torn, so that it takes no other with it.
    appendFileSync(this.file, '\n');
  }

  async *read(): AsyncGenerator<Entry> {
    for await (const line of createInterface({ input: createReadStream(this.path) })) {
      const entry = parse<Entry>(line);
      if (entry) yield entry;
    }
  }

  /** Synchronous: once it returns, the entry survives kill -9. */
  append(entry: Entry): void {
    appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.file);
  }
}

function parse<Entry>(line: string): Entry | undefined {
  try {
    return JSON.parse(line) as Entry;
  } catch {
    return undefined;
  }
}
