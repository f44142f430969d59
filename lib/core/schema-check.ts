import type { StandardSchemaV1 } from '@standard-schema/spec';
import { messageOf, toError } from './errors.js';
import { show } from './show.js';

/** One thing that a schema finds wrong. */
export interface SchemaIssue {
  /** Where: `payload.to`, `result.lines[3]`. */
  readonly path: string;
  readonly message: string;
}

/** Of how many issues the message tells; `issues` has them all. */
const MOST_TOLD = 100;

/** A payload or a result is not what its schema expects. */
export class SchemaError extends TypeError {
  override readonly name = 'SchemaError';

  constructor(readonly issues: readonly SchemaIssue[]) {
    const told = issues.slice(0, MOST_TOLD).map(({ path, message }) => `${path}: ${message}`);
    const more = issues.length > MOST_TOLD ? `; and ${issues.length - MOST_TOLD} more` : '';
    super(`refused by its schema: ${told.join('; ')}${more}`);
  }
}

/** A schema threw instead of giving an answer. Its error is the `cause`. */
export class SchemaFailure extends Error {
  override readonly name = 'SchemaFailure';
}

/** What a schema is asked about. */
export type Checked = 'payload' | 'result';

/**
 * @throws TypeError unless it is a Standard Schema or undefined
 */
export function checkSchema(value: unknown, what: Checked): void {
  if (value === undefined) return;
  const props = (typeof value === 'object' && value !== null) || typeof value === 'function' ? standardOf(value) : null;
  if (props?.version === 1 && typeof props.validate === 'function') return;
  throw new TypeError(`${what}: expected a Standard Schema (zod, valibot, arktype …), got ${show(value)}`);
}

function standardOf(value: object): Partial<StandardSchemaV1.Props> | null {
  const props = (value as Partial<StandardSchemaV1>)['~standard'] as Partial<StandardSchemaV1.Props> | null | undefined;
  return typeof props === 'object' ? props : null;
}

/**
 * What a schema makes of a value. As an absent payload travels as null, a schema that refuses null is asked about
 * undefined as well.
 *
 * @throws SchemaError with every issue
 * @throws SchemaFailure where the schema threw
 */
export async function checkedBy(schema: StandardSchemaV1, value: unknown, what: Checked): Promise<unknown> {
  const found = await ask(schema, value, what);
  if (!found.issues) return found.value;
  const absent = value === null ? await ask(schema, undefined, what) : found;
  if (!absent.issues) return absent.value;
  throw new SchemaError(found.issues.map((issue) => ({ path: what + pathOf(issue.path), message: issue.message })));
}

async function ask(schema: StandardSchemaV1, value: unknown, what: Checked): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    const found: StandardSchemaV1.Result<unknown> | null | undefined = await schema['~standard'].validate(value);
    if (found?.issues || (found && 'value' in found)) return found;
    throw new TypeError(`it gave neither a value nor issues, but ${show(found)}`);
  } catch (thrown) {
    const cause = toError(thrown);
    throw new SchemaFailure(`the schema of the ${what} failed: ${messageOf(cause)}`, { cause });
  }
}

function pathOf(path: StandardSchemaV1.Issue['path']): string {
  return (path ?? [])
    .map((segment) => (typeof segment === 'object' ? segment.key : segment))
    .map((key) => {
      if (typeof key === 'number' || (typeof key === 'string' && /^\d+$/.test(key))) return `[${key}]`;
      return /^[A-Za-z_$][\w$]{0,99}$/.test(String(key)) ? `.${String(key)}` : `[${show(key)}]`;
    })
    .join('');
}
