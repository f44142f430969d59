import { resolve } from 'node:path';
import { durationMs } from '../../core/duration.js';
import { checkedHandlerOptions, type CheckedHandlerOptions } from '../../core/handler-options.js';
import type { ConfigNode } from './config-file.js';
import { findProgram } from './programs.js';
import { commandTemplate } from './shell-arguments.js';
import type { ExitMeaning, ShellCommand } from './shell-handler.js';
import { moduleName, type ModuleName } from './user-module.js';

/** Where a handler of a configuration comes from, and how its jobs are run. */
export interface HandlerConfig {
  readonly options: CheckedHandlerOptions;
  readonly does: { readonly module: ModuleName } | { readonly shell: ShellCommand };
  /** For errors that show themselves later. */
  readonly node: ConfigNode;
}

const OPTIONS = ['concurrency', 'attempts', 'backoff', 'timeout', 'priority', 'rate', 'keepResult', 'forwardTo'];
const OF_SHELL = ['exit', 'directory', 'environment', 'killAfter'];
const MEANINGS: readonly ExitMeaning[] = ['done', 'transient', 'blocked', 'fatal'];
const KILL_AFTER = '5s';
const NO_OPTIONS: CheckedHandlerOptions = checkedHandlerOptions({}, '');

/** @throws UsageError naming the line */
export function handlerConfig(
  name: string,
  node: ConfigNode,
  directory: string,
  environment: Readonly<Record<string, string>>,
): HandlerConfig {
  const entries = node.entries(['module', 'shell', ...OF_SHELL, ...OPTIONS]);
  const [module, shell] = [entries.get('module'), entries.get('shell')];
  if (!module === !shell) node.fail(`expected either module or shell, got ${module ? 'both' : 'neither'}`);
  const misplaced = module && OF_SHELL.find((key) => entries.has(key));
  if (misplaced) entries.get(misplaced)?.fail('expected it beside shell, got it beside module');
  let options = NO_OPTIONS;
  for (const key of OPTIONS) {
    const value = entries.get(key);
    const given = value?.check(() => checkedHandlerOptions({ [key]: value.value }, `handlers.${name}`));
    // Each by itself, so that what is wrong is found at its line.
    if (given)
      options = { ...options, ...Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined)) };
  }
  const does = module
    ? { module: module.valid((value) => moduleName(value, './dist/make-print.js#makePrint')) }
    : { shell: shellCommand(shell as ConfigNode, entries, directory, environment) };
  return { options, does, node: module ?? shell ?? node };
}

function shellCommand(
  node: ConfigNode,
  entries: ReadonlyMap<string, ConfigNode>,
  directory: string,
  environment: Readonly<Record<string, string>>,
): ShellCommand {
  const template = node.valid(commandTemplate);
  const ownFolder = entries.get('directory')?.text('a folder');
  return {
    called: template.program,
    command: { ...template, program: node.valid(() => findProgram(template.program, directory, environment['PATH'])) },
    directory: resolve(directory, ownFolder ?? '.'),
    environment: { ...environment, ...entries.get('environment')?.texts() },
    exits: exitsOf(entries.get('exit')),
    killAfterMs: durationMs(KILL_AFTER, 'killAfter'),
    ...killAfterOf(entries.get('killAfter')),
  };
}

function killAfterOf(node: ConfigNode | undefined): { killAfterMs?: number } {
  return node ? { killAfterMs: node.check(() => durationMs(node.value, node.path)) } : {};
}

/** `{ done: [0], transient: [75], others: fatal }`, which also holds for what is not given. */
function exitsOf(node: ConfigNode | undefined): ShellCommand['exits'] {
  const entries = node?.entries([...MEANINGS, 'others']);
  const byCode = new Map<number, ExitMeaning>();
  if (!entries?.has('done')) byCode.set(0, 'done');
  if (!entries?.has('transient')) byCode.set(75, 'transient');
  const named = new Set<number>();
  for (const meaning of MEANINGS) {
    for (const item of entries?.get(meaning)?.items('a list of exit codes') ?? []) {
      const code = item.valid(exitCode);
      if (named.has(code)) item.fail(`expected each exit code once, got ${code} again`);
      named.add(code);
      byCode.set(code, meaning);
    }
  }
  const others = entries?.get('others');
  const meaning = others?.text(`one of ${MEANINGS.join(', ')}`) ?? 'fatal';
  if (isMeaning(meaning)) return { byCode, others: meaning };
  return others?.fail(`expected one of ${MEANINGS.join(', ')}, got ${meaning}`) as never;
}

function isMeaning(text: string): text is ExitMeaning {
  return (MEANINGS as readonly string[]).includes(text);
}

function exitCode(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 255) return value;
  throw new TypeError(`expected an exit code from 0 to 255, got ${String(value)}`);
}
