/** Registered, so that two copies of this package in one process know each other's definitions. */
export const DEFINITION: unique symbol = Symbol.for('nestjs-jobs:definition') as never;

/** A definition as far as those have to know it who only name it. */
export interface DefinedJob {
  readonly name: string;
  readonly options: object;
  /** For the compiler alone: never there. */
  readonly '~types'?: { readonly input: unknown };
}

/** Whether `defineJob` has made it. */
export function isDefined(value: unknown): value is DefinedJob {
  return typeof value === 'object' && value !== null && DEFINITION in value;
}
