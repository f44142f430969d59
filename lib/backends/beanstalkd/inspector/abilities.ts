import { BackendError } from '../../../core/backend.js';
import type { Ability, InspectorAbilities } from '../../../core/inspector.js';

const ACTIVE = { cannot: 'beanstalkd shows no job that a worker has' };
const GONE = { cannot: 'beanstalkd keeps no job that has completed or expired' };

export const ABILITIES: InspectorAbilities = {
  list: { waiting: 'head', delayed: 'head', active: ACTIVE, completed: GONE, failed: 'all', expired: GONE },
  count: { waiting: 'all', delayed: 'all', active: 'all', completed: GONE, failed: 'all', expired: GONE },
  get: 'all',
  retry: 'all',
  remove: { waiting: 'head', delayed: 'head', completed: GONE, failed: 'all', expired: GONE },
  reschedule: 'head',
  store: { waiting: 'all', delayed: 'all', completed: GONE, failed: 'all', expired: GONE },
};

/** @throws BackendError where it can't be */
export function checkAble(ability: Ability): void {
  if (typeof ability === 'object') throw new BackendError(ability.cannot, { passing: false });
}
