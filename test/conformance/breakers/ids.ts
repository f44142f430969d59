import { isMadeHere } from '../../../lib/core/id.js';
import type { Breaker, Store } from '../honest.js';
import { both, note, publishing, reading, turns, verbs } from '../changes.js';

type State = 'waiting' | 'delayed' | 'active' | 'failed' | 'back' | 'later' | 'gone';

/** The ids of messages by those under which they are stored. */
export function realIds(store: Store): Map<string, string> {
  return note(store, 'real ids', () => new Map<string, string>());
}

/** Stores messages under other ids than theirs, which they get back on their way out. */
export function under(idOf: (id: string, queue: string, store: Store) => string): Breaker {
  return both(
    publishing((message, store, queue) => {
      const id = idOf(message.id, queue, store);
      const ids = realIds(store);
      if (!ids.has(id)) ids.set(id, message.id);
      return { ...message, id };
    }),
    reading(({ id }, _, store) => ({ id: realIds(store).get(id) ?? id })),
  );
}

let aliases = 0;
export const alias = (id: string): string => `${id} alias ${++aliases}`;

/** Does not find the ids of jobs in some states. */
function blindTo(...states: State[]): Breaker {
  const known = (store: Store): Map<string, { state: State; since: number }> =>
    note(store, 'states', () => new Map<string, { state: State; since: number }>());
  const enter = (store: Store, queue: string, id: string, state: State): void =>
    void known(store).set(`${queue}/${id}`, { state, since: store.clock.now() });
  const aliasing = under((id, queue, store) => {
    const state = known(store).get(`${queue}/${id}`)?.state;
    return state && states.includes(state) ? alias(id) : id;
  });
  const tracking = verbs((honest, store) => ({
    publish: async (queue, messages) => {
      const receipts = await honest.publish(queue, messages);
      for (const { id, readyAt } of messages) {
        if (known(store).has(`${queue}/${id}`)) continue;
        enter(store, queue, id, (readyAt ?? 0) > store.clock.now() ? 'delayed' : 'waiting');
      }
      return receipts;
    },
    reserve: async (queue, max, signal) => {
      const some = await honest.reserve(queue, max, signal);
      for (const { content } of some) enter(store, queue, content.id, 'active');
      return some;
    },
    settle: (delivery, settlement) => {
      const { queue, content } = delivery;
      if (settlement.kind === 'failed') enter(store, queue, content.id, 'failed');
      else if (settlement.kind !== 'again') known(store).delete(`${queue}/${content.id}`);
      else enter(store, queue, content.id, settlement.at > store.clock.now() ? 'later' : 'back');
      return honest.settle(delivery, settlement);
    },
  }));
  return both(aliasing, tracking);
}

/** What backends do wrong with ids. */
export const idsBreakers: Readonly<Record<string, Breaker>> = {
  'stores duplicates': under(alias),
  'does not look for the ids of waiting jobs': blindTo('waiting'),
  'does not look for the ids of delayed jobs': blindTo('delayed'),
  'does not look for the ids of active jobs': blindTo('active'),
  'does not look for the ids of failed jobs': blindTo('failed'),
  'does not look for the ids of jobs put back': blindTo('back'),
  'does not look for the ids of jobs put back for later': blindTo('later'),
  'does not look for ids made here': under((id) => (isMadeHere(id) ? alias(id) : id)),
  'does not look for duplicates within one call': verbs((honest) => ({
    publish: async (queue, messages) =>
      (await Promise.all(messages.map((message) => honest.publish(queue, [message])))).flat().map((receipt) => ({
        duplicate: messages.length > 1 ? false : receipt.duplicate,
      })),
  })),
  'calls every message new': verbs((honest) => ({
    publish: async (queue, messages) => (await honest.publish(queue, messages)).map(() => ({ duplicate: false })),
  })),
  'calls no message new': verbs((honest) => ({
    publish: async (queue, messages) => (await honest.publish(queue, messages)).map(() => ({ duplicate: true })),
  })),
  'looks for an id and stores it in two steps': verbs((honest, store) => {
    const seen = note(store, 'seen', () => new Set<string>());
    const storing = under(alias).break?.(honest, store);
    return {
      ...storing,
      publish: async (queue, messages) => {
        const fresh = messages.filter(({ id }) => !seen.has(`${queue}/${id}`));
        await turns(1);
        for (const { id } of fresh) seen.add(`${queue}/${id}`);
        await storing?.publish?.(queue, fresh);
        return messages.map((message) => ({ duplicate: !fresh.includes(message) }));
      },
    };
  }),
  'replaces the job of an id': both(
    publishing((message, store, queue) => {
      note(store, 'newest', () => new Map<string, unknown>()).set(`${queue}/${message.id}`, JSON.parse(message.body));
      return message;
    }),
    reading(({ id }, { queue }, store) => {
      const newest = note(store, 'newest', () => new Map<string, unknown>());
      return newest.has(`${queue}/${id}`) ? { payload: structuredClone(newest.get(`${queue}/${id}`)) } : {};
    }),
  ),
  'keeps ids across queues': verbs((honest, store) => {
    const homes = note(store, 'homes', () => new Map<string, string>());
    return {
      publish: async (queue, messages) => {
        const elsewhere = (id: string): boolean => (homes.get(id) ?? queue) !== queue;
        const own = messages.filter(({ id }) => !elsewhere(id));
        for (const { id } of own) homes.set(id, queue);
        const receipts = [...(await honest.publish(queue, own))];
        return messages
          .map(({ id }) => (elsewhere(id) ? { duplicate: true } : receipts.shift()))
          .map((receipt) => ({
            duplicate: receipt?.duplicate,
          }));
      },
    };
  }),
  'frees the id of a job that lapsed': verbs((honest, store) => {
    const active = note(store, 'active', () => new Map<string, number>());
    const aliased = under((id, queue) => {
      const since = active.get(`${queue}/${id}`);
      return since !== undefined && store.clock.now() > since + store.leaseMs ? alias(id) : id;
    }).break?.(honest, store);
    return {
      ...aliased,
      reserve: async (queue, max, signal) => {
        const some = (await aliased?.reserve?.(queue, max, signal)) ?? [];
        for (const { content } of some) active.set(`${queue}/${content.id}`, store.clock.now());
        return some;
      },
    };
  }),
  'takes ids for file names': under((id) => id.replaceAll(/[^\w.-]/g, '_')),
  'takes ids without their case': under((id) => id.toLowerCase()),
  'takes ids without their accents’ form': under((id) => id.normalize('NFC')),
  'cuts ids': under((id) => id.slice(0, 255)),
  'finds duplicates though its traits say no': { traits: { findsDuplicates: false } },
};
