import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { expect } from 'vitest';

const README = fileURLToPath(new URL('../README.md', import.meta.url));

/** @param rows the first is the head */
export function tableOf(rows: readonly (readonly string[])[]): string {
  const [head = [], ...others] = rows;
  return [head, head.map(() => '---'), ...others].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/**
 * Expects a part of README to be this text; with UPDATE_README=1, writes it.
 *
 * @param name stands in the comments around it: `<!-- traits: … -->` and `<!-- end of traits -->`
 */
export async function expectInReadme(name: string, part: string): Promise<void> {
  const before = await readFile(README, 'utf8');
  const begin = new RegExp(`<!-- ${name}: [^\\n]* -->`).exec(before);
  const end = before.indexOf(`<!-- end of ${name} -->`);
  expect(begin, `the comment before ${name}`).not.toBeNull();
  const from = (begin?.index ?? 0) + (begin?.[0].length ?? 0);
  expect(end).toBeGreaterThan(from);
  const text = `${before.slice(0, from)}\n\n${part}\n\n${before.slice(end)}`;
  const after = await format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
  if (process.env['UPDATE_README']) await writeFile(README, after);
  else expect(before).toBe(after);
}
