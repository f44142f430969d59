import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Row } from './row.js';

/** One line for a terminal. */
export function lineOf({ what, bar, found, ok, info }: Row): string {
  return `${ok ? 'ok    ' : 'MISSED'}  ${what.padEnd(76)}  ${bar.padEnd(28)}  ${found.padEnd(32)}  ${info}`;
}

/** The page of a run, which tells of the figures and not of the machine. */
export function benchmarksPage(rows: readonly Row[], folder: string): string {
  return `# Benchmarks

Made by \`npm run bench -- --write\`; every figure is from one run, on ${availableParallelism()} cores, Node.js ${process.versions.node}, file system
${fileSystemOf(folder)}. «Bare» is a loop of the system calls that a job costs in any case, the same files and the same syncs, with
nothing around it. A ratio compares speeds, ours by the other's, both measured in turns in the same run: the median of all
pairs, and the least and the most. An absolute figure tells as much of the machine as of the package.

| what | demanded | found | | absolute |
| --- | --- | --- | --- | --- |
${rows.map(({ what, bar, found, ok, info }) => `| ${what} | ${bar} | ${found} | ${ok ? 'ok' : 'MISSED'} | ${info} |`).join('\n')}
`;
}

/** The type of the file system that a folder lies on, as the system's list of mounts has it. */
function fileSystemOf(folder: string): string {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').trim().split('\n');
  const holding = mounts
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at === '/' || `${folder}/`.startsWith(join(at, '/')))
    .toSorted(([, a = ''], [, b = '']) => a.length - b.length);
  return holding.at(-1)?.[2] ?? 'unknown';
}
