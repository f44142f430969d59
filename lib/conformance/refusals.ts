import type { Ability, Inspector, InspectorAbilities, JobChange, JobState } from '../core/inspector.js';
import { STATES } from './stage/standing.js';

/** Something that an inspector says it can't do. */
export interface Refusal {
  readonly what: string;
  readonly why: string;
  readonly ask: (inspector: Inspector, queue: string) => Promise<unknown>;
}

/** All that an inspector says it can't do, and how it is asked to. */
export function refusals({ list, get, retry, remove, reschedule, store }: InspectorAbilities): Refusal[] {
  const change = (inspector: Inspector, queue: string, state: JobState, how: JobChange): Promise<unknown> =>
    inspector.change(queue, [{ key: 'any', state }], how);
  const refused: Refusal[] = [];
  const add = (what: string, ability: Ability, ask: Refusal['ask']): void => {
    if (typeof ability === 'object') refused.push({ what, why: ability.cannot, ask });
  };
  for (const state of STATES) {
    add(`list.${state}`, list[state], (inspector, queue) => inspector.list(queue, state, { limit: 1 }));
    if (state === 'active') continue;
    add(`remove.${state}`, remove[state], (by, queue) => change(by, queue, state, { kind: 'remove' }));
    const content = { unreadable: 'it is no message', id: 'any', bytes: Buffer.from('x'), kind: 'foreign' } as const;
    const job = { state, content, attempts: 0, failures: [] };
    add(`store.${state}`, store[state], (inspector, queue) => inspector.store(queue, [job]));
  }
  add('get', get, (inspector, queue) => inspector.get(queue, 'any'));
  add('retry', retry, (inspector, queue) => change(inspector, queue, 'failed', { kind: 'retry' }));
  add('reschedule', reschedule, (by, queue) => change(by, queue, 'delayed', { kind: 'reschedule', at: 0 }));
  return refused;
}
