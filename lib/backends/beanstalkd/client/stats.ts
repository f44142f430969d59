import { ProtocolFault } from './errors.js';

/**
 * What a `stats` command tells, by line: a YAML reader would take a tube named `1e3` for a number. Texts are quoted from
 * server 1.13 on.
 */
export class Stats {
  private readonly lines: string;

  constructor(body: Buffer) {
    this.lines = `\n${body.toString('latin1')}`;
  }

  text(key: string): string | undefined {
    // Found when it is asked for: each job's are read, and of its lines only a few.
    const start = this.lines.indexOf(`\n${key}: `);
    if (start < 0) return undefined;
    const end = this.lines.indexOf('\n', start + 1);
    return unquoted(this.lines.slice(start + key.length + 3, end < 0 ? undefined : end).trim());
  }

  /** @throws ProtocolFault where the server doesn't tell it */
  number(key: string): number {
    const text = this.text(key) ?? '';
    if (/^[0-9]+$/.test(text)) return Number(text);
    throw new ProtocolFault(`the server's statistics have no number "${key}"`);
  }
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
