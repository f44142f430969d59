/**
 * A part of what a script of BullMQ's begins with: space, a comment, a function to the first line that is not indented, which
 * is its `end`, or another local of one line.
 */
const PART =
  /\s+|--\[\[[\s\S]*?\]\]|--.*|(?<definition>local (?:function (?<called>\w+)|(?<named>\w+) = function\b).*(?:\n(?:[ \t].*)?)*?\nend\b)|local (?<variable>\w+)(?<value> = .*)?(?=\n)/gy;
const COMMENTS_AND_TEXTS = /--\[\[[\s\S]*?\]\]|--.*|"[^"\n]*"|'[^'\n]*'/g;

/** Lua lets a function use 60 locals from around it at most. */
const MOST_LOCALS = 50;

/** A script, its beginning taken apart. */
export interface ScriptParts {
  /** Its functions, which are the same in each call. */
  readonly functions: readonly string[];
  /** The other locals that it begins with, which the functions may use. */
  readonly locals: readonly string[];
  /** What is done in each call; gives the locals their values first. */
  readonly body: string;
}

/**
 * Takes the functions that a script begins with out of what is done in each call: `moveToFinished` has 41, and to make
 * them anew for each job takes Redis a tenth of its time. Where the text is laid out otherwise than BullMQ's are now, all of
 * it is done in each call.
 */
export function partsOf(lua: string): ScriptParts {
  const functions: string[] = [];
  const locals: string[] = [];
  const names: (string | undefined)[] = [];
  const values: string[] = [];
  let end = 0;
  for (const { 0: text, index, groups = {} } of lua.matchAll(PART)) {
    const { definition, called, named, variable, value = ' = nil' } = groups;
    if (definition !== undefined) {
      functions.push(definition);
      names.push(called ?? named);
    } else if (variable !== undefined) {
      locals.push(variable);
      names.push(variable);
      values.push(`${variable}${value}\n`);
    }
    end = index + text.length;
  }
  const isAsNow = functions.every(isWhole) && names.length <= MOST_LOCALS && new Set(names).size === names.length;
  return isAsNow
    ? { functions, locals, body: `${values.join('')}${lua.slice(end)}` }
    : { functions: [], locals: [], body: lua };
}

function isWhole(definition: string): boolean {
  const words = definition.replace(COMMENTS_AND_TEXTS, '').match(/\w+/g) ?? [];
  const count = (...wanted: readonly string[]): number => words.filter((word) => wanted.includes(word)).length;
  return count('function', 'if', 'do') === count('end');
}
