import type { Ability, InspectorAbilities, JobState } from '../core/inspector.js';
import type { Concern, ScenarioOptions } from './scenario.js';

/** What of the abilities of an inspector a scenario needs. */
export interface Needs extends Abilities {
  /** Enough where it can be done with the next job alone: the scenario has no more. */
  readonly some?: Abilities;
}

interface Abilities {
  readonly list?: readonly JobState[];
  readonly count?: readonly JobState[];
  readonly get?: true;
  readonly retry?: true;
  readonly remove?: readonly Exclude<JobState, 'active'>[];
  readonly reschedule?: true;
  readonly store?: readonly Exclude<JobState, 'active'>[];
}

/** The scenario concerns backends whose inspector can do all that, and whatever `others` say. */
export function inspects(needs: Needs = {}, ...others: readonly ScenarioOptions[]): ScenarioOptions {
  return {
    ...others.find(({ lease }) => lease),
    exempt: (concern) => lacking(concern, needs) ?? firstReason(others, concern),
  };
}

function firstReason(options: readonly ScenarioOptions[], concern: Concern): string | undefined {
  for (const { exempt } of options) {
    const reason = exempt?.(concern);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function lacking({ inspector }: Concern, needs: Needs): string | undefined {
  if (!inspector) return 'the backend has no inspector';
  const all = asked(inspector.abilities, needs).filter(([, ability]) => ability !== 'all');
  const some = asked(inspector.abilities, needs.some ?? {}).filter(([, ability]) => typeof ability !== 'string');
  const [lack] = [...all, ...some];
  return lack && `inspector.abilities.${lack[0]}: ${whyNot(lack[1])}`;
}

function asked(abilities: InspectorAbilities, needs: Abilities): (readonly [what: string, ability: Ability])[] {
  const { list, count, get, retry, remove, reschedule, store } = abilities;
  return [
    ...(needs.list ?? []).map((state) => [`list.${state}`, list[state]] as const),
    ...(needs.count ?? []).map((state) => [`count.${state}`, count[state]] as const),
    ...(needs.get ? [['get', get] as const] : []),
    ...(needs.retry ? [['retry', retry] as const] : []),
    ...(needs.remove ?? []).map((state) => [`remove.${state}`, remove[state]] as const),
    ...(needs.reschedule ? [['reschedule', reschedule] as const] : []),
    ...(needs.store ?? []).map((state) => [`store.${state}`, store[state]] as const),
  ];
}

function whyNot(ability: Ability): string {
  return typeof ability === 'string' ? `'${ability}'` : ability.cannot;
}
