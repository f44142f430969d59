import { ProtocolFault } from './errors.js';

/**
 * What a `stats` command tells, by line: a YAML reader would take a tube named `1e3` for a number. Texts are quoted from
 * server 1.13 on.
 */
export class Stats {
  private readonly values = new Map<string, string>();

  constructor(body: Buffer) {
    for (const line of body.toString('latin1').split('\n')) {
      const colon = line.indexOf(': ');
      if (colon > 0) this.values.set(line.slice(0, colon), unquoted(line.slice(colon + 2).trim()));
    }
  }

  text(key: string): string | undefined {
    return this.values.get(key);
  }

  /** @throws ProtocolFault where the server doesn't tell it */
  number(key: string): number {
    const text = this.values.get(key) ?? '';
    if (/^[0-9]+$/.test(text)) return Number(text);
    throw new ProtocolFault(`the server's statistics have no number "${key}"`);
  }
}

function unquoted(text: string): string {
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
