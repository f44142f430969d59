import type { Backend, BackendContext, BackendTraits, Delivery } from '../../lib/core/backend.js';
import { isUnreadable, type Message, type ReceivedMessage, type Unreadable } from '../../lib/core/message.js';
import type { RecordsElsewhere } from '../../lib/core/records-elsewhere.js';
import { decodeMessage } from '../../lib/core/message-decoding.js';
import type { BackendUnderTest, BackendWish } from '../../lib/conformance/options.js';
import { boundInspector, showingMessages } from './inspectors.js';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { elsewhereOn } from './elsewhere.js';
import { PostOffice } from './post-office.js';
import { bound } from './records.js';

const FOREIGN = 'foreign bytes';
/** No whole second, so that cut times show. */
const START = Date.UTC(2026, 10, 21, 9, 0, 0, 789);
const CONTEXT: BackendContext = { worker: 'test', warn: () => undefined };

/** What the workers of one broken backend share. */
export interface Store {
  readonly clock: VirtualClock;
  readonly leaseMs: number;
  /** Opens a memory backend of its own on the same jobs, or, of a name, on others. */
  open(other?: string): Promise<Backend>;
  /** Where letters go through. */
  readonly post: PostOffice;
  /** Where a breaker keeps what it needs across workers. */
  readonly notes: Map<string, unknown>;
  /** Called when the scenario is over. */
  readonly cleanups: (() => void)[];
}

/** One fault. */
export interface Breaker {
  /** How long leases really last. Default: as asked. */
  readonly lease?: (askedMs: number) => number;
  readonly traits?: Partial<BackendTraits>;
  /** The verbs that are broken, of a backend that keeps the rules. */
  readonly break?: (honest: Backend, store: Store) => Partial<Backend>;
}

/** What `createBackend` of the suite is to give for a fault. */
export function broken(breaker: Breaker): (wish: BackendWish) => BackendUnderTest {
  return ({ leaseMs }) => {
    const clock = new VirtualClock(START);
    const lease = breaker.lease?.(leaseMs) ?? leaseMs;
    const description = (): ReturnType<typeof memory> => memory({ lease, clock });
    const descriptions = new Map([['', description()]]);
    const store: Store = {
      clock,
      leaseMs,
      post: new PostOffice(),
      notes: new Map(),
      cleanups: [],
      open: async (other = '') => {
        if (!descriptions.has(other)) descriptions.set(other, description());
        return posting(takingForeign((await descriptions.get(other)?.open(CONTEXT)) as Backend), store.post);
      },
    };
    const open = async (): Promise<Backend> => {
      const honest = await store.open();
      const traits = { ...honest.traits, leaseMs, ...breaker.traits };
      const recordsElsewhere = (): Promise<RecordsElsewhere> => elsewhereOn(store, () => store.open());
      return { ...honest, recordsElsewhere, ...breaker.break?.(honest, store), traits };
    };
    const side = store.open();
    return {
      backend: { name: 'broken', clock, open },
      advance: (ms) => clock.advance(ms),
      putForeign: async (queue, bytes) => void (await (await side).publish(queue, [foreignMessage(bytes)])),
      dispose: async () => {
        for (const cleanup of store.cleanups) cleanup();
        await (await side).close();
      },
    };
  };
}

let foreigners = 0;

function foreignMessage(bytes: Uint8Array): Message {
  const content = decodeMessage(bytes, `foreign-${++foreigners}`);
  const known = isUnreadable(content) ? { id: content.id, priority: 1024, attemptsUsed: 0 } : content;
  return {
    id: known.id,
    name: FOREIGN,
    priority: known.priority,
    attemptsUsed: known.attemptsUsed,
    headers: {},
    body: JSON.stringify(Buffer.from(bytes).toString('base64')),
  };
}

/** The memory backend as an engine to which others bring bytes. */
function takingForeign(backend: Backend): Backend {
  const contentOf = (content: ReceivedMessage): ReceivedMessage | Unreadable =>
    content.name === FOREIGN ? decodeMessage(Buffer.from(String(content.payload), 'base64'), content.id) : content;
  const read = (delivery: Delivery): Delivery =>
    isUnreadable(delivery.content) ? delivery : { ...delivery, content: contentOf(delivery.content) };
  const { inspector } = backend;
  return {
    traits: backend.traits,
    clock: backend.clock,
    records: backend.records,
    backlog: backend.backlog,
    inspector: inspector && { ...boundInspector(inspector), ...showingMessages(inspector, contentOf) },
    publish: (queue, messages) => backend.publish(queue, messages),
    reserve: async (queue, max, signal) => (await backend.reserve(queue, max, signal)).map(read),
    settle: (delivery, settlement) => backend.settle(delivery, settlement),
    extend: (delivery) => backend.extend(delivery),
    close: () => backend.close(),
  };
}

/** The same as an engine whose workers can be sent letters. */
function posting(backend: Backend, post: PostOffice): Backend {
  const { records } = backend;
  if (!records) return backend;
  const { letters, close } = post.open(records);
  return {
    ...backend,
    records: { ...bound(records), letters },
    close: () => {
      close();
      return backend.close();
    },
  };
}
