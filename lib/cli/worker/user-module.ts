import { createRequire } from 'node:module';
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../core/errors.js';

/** What a configuration names as `./dist/make-print.js#makePrint`. */
export interface ModuleName {
  /** As it is written: a path, or a package. */
  readonly module: string;
  /** The name of what it exports. Default: `default`, else all that it exports, where that is one thing. */
  readonly member: string | undefined;
}

/** @throws TypeError */
export function moduleName(text: unknown, example: string): ModuleName {
  if (typeof text !== 'string' || text === '' || text.startsWith('#')) {
    throw new TypeError(`expected a module such as ${example}, got ${JSON.stringify(text)}`);
  }
  const at = text.lastIndexOf('#');
  const [module, member] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  return { module, member: member || undefined };
}

/**
 * Imports what a user's configuration names.
 *
 * @param directory where its paths begin, and from where its packages are looked for
 * @throws Error that says what can't be loaded, and why
 */
export async function importMember({ module, member }: ModuleName, directory: string): Promise<unknown> {
  const exported = exportsOf(await imported(module, directory));
  const names = Object.keys(exported);
  const [first = 'default', second] = names;
  const name = member ?? (second === undefined ? first : 'default');
  if (Object.hasOwn(exported, name)) return exported[name];
  throw new Error(`expected an export "${name}" of ${module}, which has ${names.join(', ') || 'none'}`);
}

/** Of a CommonJS module what it has given to `module.exports`, as far as nobody could tell it beforehand. */
function exportsOf(namespace: Record<string, unknown>): Record<string, unknown> {
  const { default: whole, 'module.exports': commonJs, __esModule: _mark, ...named } = namespace;
  if (commonJs === undefined) return whole === undefined ? named : { ...named, default: whole };
  const isObject = typeof commonJs === 'object' && commonJs !== null;
  return isObject ? { ...named, ...(commonJs as Record<string, unknown>) } : { ...named, default: commonJs };
}

/**
 * Loads a package as a file of the user's does, so that both have the same one.
 *
 * @throws Error where the project doesn't have it
 */
export function packageOf(name: string, directory: string): unknown {
  try {
    return createRequire(resolve(directory, 'configuration.js'))(name) as unknown;
  } catch (cause) {
    throw new Error(`the package ${name} can't be loaded from ${directory}: ${firstLine(cause)}`, { cause });
  }
}

async function imported(module: string, directory: string): Promise<Record<string, unknown>> {
  try {
    const target = isPath(module)
      ? resolve(directory, module)
      : createRequire(resolve(directory, 'configuration.js')).resolve(module);
    return (await import(pathToFileURL(target).href)) as Record<string, unknown>;
  } catch (cause) {
    throw new Error(`${module} can't be loaded: ${firstLine(cause)}`, { cause });
  }
}

function isPath(module: string): boolean {
  return isAbsolute(module) || module.startsWith('./') || module.startsWith('../');
}

/** Without which file of this package has asked for it. */
function firstLine(thrown: unknown): string {
  const [line = ''] = messageOf(thrown).split('\n', 1);
  return line.replace(/ imported from \S*user-module\.[jt]s$/, '');
}
