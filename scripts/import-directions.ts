import { posix } from 'node:path';
import { importsOf, targetOf, type Import } from './imports.js';

/** The text of each file by its path, relative to the folder of the tree, with forward slashes. */
export type Tree = ReadonlyMap<string, string>;

interface Room {
  /** The other rooms that it may import. */
  readonly rooms: readonly string[];
  /** Single files of others, which know nothing of what else is there. */
  readonly files?: readonly string[];
  /** The packages that it may import, with their sub-paths; `node:*` everybody may. */
  readonly packages: readonly string[];
}

const NEST = ['@nestjs/common', '@nestjs/core', 'reflect-metadata', 'rxjs'];

/** Who may import whom in lib/, apart from backends. A new room gets its line here. */
const ROOMS: Readonly<Record<string, Room>> = {
  'index.ts': { rooms: ['core', 'nest', 'operating'], packages: [] },
  core: { rooms: [], packages: ['uuid', 'tinyqueue', 'ms', 'croner', '@standard-schema/spec'] },
  nest: { rooms: ['core', 'operating'], packages: NEST },
  conformance: { rooms: ['core'], packages: [] },
  opentelemetry: { rooms: ['core'], packages: ['@opentelemetry/api'] },
  operating: { rooms: ['core'], packages: [] },
  // Of the room of Nest only what reads URLs and options, so that a worker without an application needs no Nest.
  cli: {
    rooms: ['core', 'operating'],
    files: ['nest/backend-url.ts', 'nest/queue.settings.ts'],
    packages: ['commander', 'yaml'],
  },
  terminus: { rooms: ['core', 'nest'], packages: ['@nestjs/common'] },
  testing: { rooms: ['core', 'nest', 'backends/memory'], packages: ['@nestjs/common', '@nestjs/core', 'expect'] },
};

/** The packages that speak to one backend's engine. */
const DRIVERS: Readonly<Record<string, readonly string[]>> = {
  'backends/bullmq': ['bullmq', 'ioredis'],
};

/** The files that name backends, and only by a lazy import of their entry points. */
const NAME_BACKENDS = new Set(['nest/backend-url.ts', 'cli/commands/doctor.ts']);

/**
 * The files that import what others name: users their handlers, their application, and what that is made of; backends what
 * opens their records in another thread.
 */
const IMPORTS_WHAT_IS_NAMED = new Set(['cli/worker/user-module.ts', 'core/records-elsewhere.ts']);

/** What is wrong with the imports of lib/, a sentence for each fault. `published` are the package's entry points. */
export function directionFaults(tree: Tree, published: ReadonlySet<string>): string[] {
  // A backend's index is one from its first day, published or not.
  const entries = new Set([
    ...published,
    ...[...tree.keys()].filter((path) => /^backends\/[^/]+\/index\.ts$/.test(path)),
  ]);
  const faults: string[] = [];
  const graph = new Map<string, string[]>();
  for (const [path, text] of tree) {
    const room = roomOf(path);
    if (!ruleOf(room)) faults.push(`${path} lies in "${room}", for which there is no rule`);
    if (posix.basename(path) === 'index.ts' && !entries.has(path))
      faults.push(`${path} is an index, but no entry point`);
    const imports = importsOf(path, text);
    for (const each of imports) {
      const problem = faultOf(path, each, tree, entries);
      if (problem) faults.push(`${path}:${each.line} ${problem}`);
    }
    graph.set(path, relativeTargets(path, imports));
  }
  return [...faults, ...cyclesOf(graph).map((cycle) => `cycle: ${cycle.join(' → ')}`)];
}

/** What keeps an application from being a stranger to the package: imports that leave its folder, or reach inside. */
export function strangerFaults(tree: Tree, published: ReadonlySet<string>): string[] {
  return [...tree].flatMap(([path, text]) =>
    importsOf(path, text).flatMap(({ specifier, line }) => {
      const where = `${path}:${line}`;
      if (specifier === undefined) return [`${where} imports a computed name`];
      if (isRelative(specifier))
        return tree.has(targetOf(path, specifier)) ? [] : [`${where} imports ${specifier} from outside`];
      if (packageOf(specifier) !== 'nestjs-jobs' || published.has(specifier)) return [];
      return [`${where} imports ${specifier}, which is not published`];
    }),
  );
}

function faultOf(path: string, each: Import, tree: Tree, entries: ReadonlySet<string>): string | undefined {
  const { specifier, lazy, reexport } = each;
  const room = roomOf(path);
  if (specifier === undefined) {
    return IMPORTS_WHAT_IS_NAMED.has(path) ? undefined : 'imports a computed name, which nothing can check';
  }
  if (reexport && !entries.has(path)) return `passes on ${specifier}, but is no entry point`;
  if (specifier.startsWith('node:')) return undefined;
  if (!isRelative(specifier)) {
    return ruleOf(room)?.packages.includes(packageOf(specifier))
      ? undefined
      : `imports ${specifier}, which ${room} may not`;
  }
  const target = targetOf(path, specifier);
  if (!tree.has(target)) return `imports ${specifier}, which is not there`;
  if (NAME_BACKENDS.has(path) && target.startsWith('backends/')) {
    return lazy && entries.has(target) ? undefined : `imports ${target} otherwise than lazily by its entry point`;
  }
  const rule = ruleOf(room);
  if (roomOf(target) !== room && !rule?.rooms.includes(roomOf(target)) && !rule?.files?.includes(target))
    return `imports ${target}, which ${room} may not`;
  return entries.has(target) ? `imports the entry point ${target}` : undefined;
}

function roomOf(path: string): string {
  const [first = '', second = ''] = path.split('/');
  return first === 'backends' ? `${first}/${second}` : first;
}

function ruleOf(room: string): Room | undefined {
  if (!room.startsWith('backends/')) return ROOMS[room];
  return { rooms: ['core'], packages: ['tinyqueue', ...(DRIVERS[room] ?? [])] };
}

function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function relativeTargets(path: string, imports: readonly Import[]): string[] {
  return imports.flatMap(({ specifier }) => (specifier && isRelative(specifier) ? [targetOf(path, specifier)] : []));
}

function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const cycles: string[][] = [];
  const left = new Set<string>();
  const enter = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) cycles.push([...trail.slice(trail.indexOf(path)), path]);
    else if (!left.has(path)) for (const target of graph.get(path) ?? []) enter(target, [...trail, path]);
    left.add(path);
  };
  for (const path of graph.keys()) enter(path, []);
  return cycles;
}
