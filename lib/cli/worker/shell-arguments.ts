import { FatalError } from '../../core/errors.js';
import type { Job } from '../../core/job.js';
import { show } from '../../core/show.js';

/** A command as it is configured: the program, and its arguments in parts. */
export interface CommandTemplate {
  readonly program: string;
  readonly args: readonly ArgumentTemplate[];
}

interface ArgumentTemplate {
  readonly parts: readonly Part[];
  /** Whether it stands behind `--`, where programs look for no options. */
  readonly afterOptions: boolean;
}

type Part =
  | { readonly text: string }
  /** What stands between the braces, by its steps: `payload`, `to`. */
  | { readonly place: readonly string[] };

const FIELDS = ['id', 'name', 'queue', 'attempt', 'payload'];
const PLACE = /\{\{|\}\}|\{([^{}]*)\}|[{}]/g;

/**
 * Reads the list of a program and its arguments. `{id}`, `{name}`, `{queue}`, `{attempt}`, `{payload}` (as JSON) and
 * `{payload.a.b}` stand for what a job has; `{{` and `}}` for braces.
 *
 * @throws TypeError
 */
export function commandTemplate(list: unknown): CommandTemplate {
  const isList = Array.isArray(list) && list.length > 0 && list.every((one) => typeof one === 'string');
  const [program = '', ...args] = isList ? list : [];
  if (!program) throw new TypeError(`expected a list of texts such as ["html2pdf", "{id}.pdf"], got ${show(list)}`);
  if ([program, ...args].some((text) => text.includes('\0'))) throw new TypeError('expected texts without NUL');
  if (partsOf(program).some((part) => 'place' in part)) {
    throw new TypeError(`expected a program of your own choice first, got ${show(program)}, which jobs would choose`);
  }
  const ended = args.indexOf('--');
  return {
    program,
    args: args.map((text, index) => ({ parts: partsOf(text), afterOptions: ended >= 0 && index > ended })),
  };
}

/**
 * The arguments for a job. What a placeholder gives stays within its argument, whatever is in it.
 *
 * @throws FatalError where the job has no such thing, or an argument would be taken for an option or for another folder
 */
export function argumentsFor(template: CommandTemplate, job: Job): string[] {
  return template.args.map(({ parts, afterOptions }) => {
    const text = parts.map((part) => ('text' in part ? part.text : valueAt(part.place, job))).join('');
    const [first] = parts;
    const isOfJob = first !== undefined && 'place' in first;
    if (isOfJob && !afterOptions && text.startsWith('-')) {
      throw new FatalError(
        `the argument ${show(text)} would be taken for an option; put "--" before it in the configuration, or a text such as "./"`,
      );
    }
    return text;
  });
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let literal = '';
  for (const found of text.matchAll(PLACE)) {
    literal += text.slice(from, found.index);
    from = found.index + found[0].length;
    if (found[0] === '{{' || found[0] === '}}') literal += found[0].charAt(0);
    else {
      if (literal) parts.push({ text: literal });
      literal = '';
      parts.push({ place: placeOf(found[1], text) });
    }
  }
  literal += text.slice(from);
  return literal || parts.length === 0 ? [...parts, { text: literal }] : parts;
}

function placeOf(inside: string | undefined, text: string): readonly string[] {
  const steps = inside?.split('.') ?? [];
  const [field = '', ...rest] = steps;
  if (FIELDS.includes(field) && (rest.length === 0 || field === 'payload') && !steps.includes('')) return steps;
  throw new TypeError(
    `expected placeholders of ${FIELDS.map((one) => `{${one}}`).join(', ')} and {payload.…}, and {{ for a brace, got ${show(text)}`,
  );
}

function valueAt([field = '', ...steps]: readonly string[], job: Job): string {
  const called = `{${[field, ...steps].join('.')}}`;
  let value: unknown = job[field as 'id' | 'payload'];
  for (const step of steps) {
    const isThere = typeof value === 'object' && value !== null && Object.hasOwn(value, step);
    if (!isThere) throw new FatalError(`the payload has no ${show(steps.join('.'))}, which ${called} stands for`);
    value = (value as Record<string, unknown>)[step];
  }
  const isWhole = field === 'payload' && steps.length === 0;
  const text = typeof value === 'string' && !isWhole ? value : JSON.stringify(value ?? null);
  if (text.includes('\0')) throw new FatalError(`${called} has a NUL, which no argument can have`);
  if (field === 'id' && /[/\\]/.test(text)) {
    throw new FatalError(`the id ${show(text)} has a slash, and would name a file elsewhere`);
  }
  return text;
}
