import { lexer, walkTokens, type Token } from 'marked';

/** The programs that a Markdown text tells: files made of its fenced blocks, in the order of the text. */
export interface Snippets {
  /** The text of each file by its path. */
  readonly files: ReadonlyMap<string, string>;
  /** The files to execute, in order. */
  readonly runs: readonly string[];
  /** The blocks that the text excuses from running, with its reason. */
  readonly excused: readonly string[];
  /** What keeps the text from being checked as a whole. */
  readonly faults: readonly string[];
}

/** What a reader would copy and execute: such a block needs a marker. */
const SHELL = ['sh', 'bash', 'shell', 'console'];
const CODE = ['ts', 'mts', 'cts', 'typescript', 'js', 'mjs', 'cjs', 'javascript', ...SHELL];

const MARKER = /^<!--\s*(snippet|not run):\s*([^\n]*?)\s*(?:\n([^]*))?-->\s*$/;
const FILE = /^[\w-]+(?:\/[\w-][\w.-]*)+$/;
const EXECUTABLE = /\.(?:ts|js|mjs|cjs|sh)$/;

/**
 * Reads the markers of a text, which are comments above its blocks: `<!-- snippet: quickstart/main.ts run -->`, with further
 * lines for what readers need not see, or `<!-- not run: why -->`. CONTRIBUTING.md describes them.
 */
export function snippetsOf(markdown: string): Snippets {
  const files = new Map<string, string>();
  const runs: string[] = [];
  const excused: string[] = [];
  const faults: string[] = [];
  let marker: Marker | undefined;

  const append = (file: string, text: string): void => void files.set(file, `${files.get(file) ?? ''}${text}\n`);

  const openMarker = (next?: Marker): void => {
    if (marker && !marker.hidden) faults.push(`${marker.where} stands above no block`);
    marker = next;
    if (!next) return;
    faults.push(...markerFaults(next));
    if (next.file && next.hidden) append(next.file, next.hidden);
    if (next.file && next.run) runs.push(next.file);
  };

  const readBlock = (language: string, text: string, where: string): void => {
    const above = marker;
    marker = undefined;
    if (above?.file !== undefined) append(above.file, text);
    else if (above && (SHELL.includes(language) || !CODE.includes(language))) excused.push(`${where}: ${above.excuse}`);
    else if (above) faults.push(`${where} is code, which can't be excused: only shell commands can`);
    else if (CODE.includes(language)) faults.push(`${where} has no "<!-- snippet: <folder>/<file> -->" above it`);
  };

  const whereIs = finder(markdown);
  for (const token of flat(lexer(markdown))) {
    if (token.type === 'code') readBlock(languageOf(token), String(token['text']), whereIs(token));
    else if (token.type === 'html') openMarker(markerOf(token.raw, whereIs(token)));
    else if (token.type !== 'space') openMarker();
  }
  openMarker();
  return { files, runs, excused, faults };
}

interface Marker {
  readonly where: string;
  readonly file?: string | undefined;
  readonly flags?: readonly string[];
  readonly run?: boolean;
  /** What readers do not see of the file. */
  readonly hidden?: string | undefined;
  /** Why the block beneath is not run. */
  readonly excuse?: string;
}

/** The marker in an HTML token; undefined where it is other HTML. */
function markerOf(html: string, where: string): Marker | undefined {
  const [, kind, said = '', hidden = ''] = MARKER.exec(html.trim()) ?? [];
  if (kind === 'not run') return { where, excuse: said };
  if (kind === undefined) return /<!--\s*(?:snippet|not run)\b/.test(html) ? { where } : undefined;
  const [file, ...flags] = said.split(/\s+/);
  return { where, file, flags, run: flags.includes('run'), hidden: hidden.trimEnd() };
}

function markerFaults({ where, file, flags = [], run, excuse }: Marker): string[] {
  if (excuse !== undefined) return excuse === '' ? [`${where} gives no reason`] : [];
  if (file === undefined) return [`${where} is no marker that could be understood`];
  return [
    ...(FILE.test(file) ? [] : [`${where} names no <folder>/<file>`]),
    ...(flags.every((flag) => flag === 'run') ? [] : [`${where} says other than "run" after its file`]),
    ...(run && !EXECUTABLE.test(file) ? [`${where} runs a file that is neither ts, js nor sh`] : []),
  ];
}

function flat(tokens: Token[]): Token[] {
  const all: Token[] = [];
  void walkTokens(tokens, (token) => void all.push(token));
  return all;
}

function languageOf(token: Token): string {
  const [language = ''] = String('lang' in token ? (token.lang ?? '') : '').split(/\s/);
  return language.toLowerCase();
}

/** Tokens know no lines; but they come in order, so that each is found behind the last. */
function finder(markdown: string): (token: Token) => string {
  let behind = 0;
  return (token) => {
    const [first = ''] = token.raw.trim().split('\n', 1);
    const start = markdown.indexOf(first, behind);
    behind = start + first.length;
    return `line ${markdown.slice(0, start).split('\n').length}, "${first}"`;
  };
}
