import { openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/**
 * What a process writes down, each line by one appending call before it goes on: a kill can cut the last line of a file
 * at most, for every incarnation of a process has a file of its own. Times are milliseconds since 1970.
 */
export type Entry =
  /** A publisher is about to publish; `key` names this try alone. */
  | { readonly what: 'intends'; readonly key: string; readonly at: number }
  /** Its publish has resolved. */
  | {
      readonly what: 'acknowledged';
      readonly key: string;
      readonly at: number;
      /** Unknown of one that a rejected `publishMany` had stored. */
      readonly id?: string;
      /** Unknown of an engine that doesn't look ids up. */
      readonly duplicate?: boolean;
    }
  /** Its publish was rejected. */
  | {
      readonly what: 'refused';
      readonly key: string;
      readonly at: number;
      readonly maybeStored: boolean;
      readonly message: string;
    }
  /** A worker takes jobs. */
  | { readonly what: 'ready'; readonly at: number }
  /** A handler was called. */
  | {
      readonly what: 'starts';
      readonly key: string;
      readonly at: number;
      readonly id: string;
      readonly attempt: number;
      /** Whether the payload is what was planned for the key. */
      readonly sound: boolean;
    }
  /** A handler is about to return or to throw; or it leaves off, for its signal was aborted. */
  | { readonly what: 'returns' | 'fails' | 'blocks' | 'leaves'; readonly key: string; readonly at: number }
  /** What an operator would read in the log; for people who look for a fault. */
  | { readonly what: 'says'; readonly message: string; readonly at: number };

/** One life of a process: `worker-0-3` is the third of the worker in slot 0. */
export interface Incarnation {
  readonly name: string;
  readonly kind: 'publisher' | 'worker';
  readonly slot: number;
  readonly entries: readonly Entry[];
}

/** Names one try of one publisher to publish one job. */
export function keyOf(n: number, slot: number, attempt: number): string {
  return `${n}.${slot}.${attempt}`;
}

export function partsOf(key: string): { readonly n: number; readonly slot: number; readonly attempt: number } {
  const [n, slot, attempt] = key.split('.').map(Number);
  return { n: n ?? NaN, slot: slot ?? NaN, attempt: attempt ?? NaN };
}

export class LedgerWriter {
  private readonly descriptor: number;

  constructor(folder: string, name: string) {
    this.descriptor = openSync(join(folder, `${name}.log`), 'a');
  }

  write(...entries: readonly Entry[]): void {
    writeSync(this.descriptor, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  }
}

/** All that was written down so far. */
export function readLedgers(folder: string): Incarnation[] {
  return readdirSync(folder).map((file) => {
    const name = file.replace(/\.log$/, '');
    const [kind, slot] = name.split('-');
    if (kind !== 'publisher' && kind !== 'worker') throw new Error(`unexpected ledger ${file}`);
    const lines = readFileSync(join(folder, file), 'utf8').split('\n');
    // What follows the last line end is nothing, or a line that a kill has cut.
    const entries = lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
    return { name, kind, slot: Number(slot), entries };
  });
}
