import { createInterface } from 'node:readline/promises';
import { UsageError } from './exit-codes.js';

/**
 * Asks whoever sits at the terminal; where nobody does, `--yes` has to say it.
 *
 * @throws UsageError where nobody can be asked
 */
export async function confirmed(question: string, isSure: boolean): Promise<boolean> {
  if (isSure) return true;
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) {
    throw new UsageError(`${question} Say --yes where nobody can be asked; --dry-run tells what would be done`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const left = new AbortController();
  // Ctrl-C and Ctrl-D mean no.
  terminal.once('close', () => left.abort());
  try {
    const answer = await terminal.question(`${question} [y/N] `, { signal: left.signal }).catch(() => '');
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    terminal.close();
  }
}
