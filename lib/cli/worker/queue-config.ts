import { checkName } from '../../core/names.js';
import { show } from '../../core/show.js';
import { queueSettings, type QueueSettings } from '../../nest/queue.settings.js';
import type { ConfigNode } from './config-file.js';

/** A queue that is read, and the handlers whose jobs are published to it. */
export interface QueueConfig {
  readonly name: string;
  readonly handlers: readonly string[];
  readonly settings: QueueSettings;
}

const OPTIONS = ['concurrency', 'rawJob', 'maxAge', 'rate'];
const NO_SETTINGS = queueSettings({}, '');

/**
 * `print: make_print`, `print: [make_print, make_proof]`, or `print: { handlers: [make_print], concurrency: 2 }`.
 *
 * @throws UsageError naming the line: a queue without a handler, a handler that is not there, or one without a queue
 */
export function queueConfigs(
  node: ConfigNode | undefined,
  handlers: ReadonlyMap<string, unknown>,
  handlersNode: ConfigNode | undefined,
): readonly QueueConfig[] {
  const queues = [...(node?.entries() ?? [])].map(([name, queue]) => {
    queue.check(() => checkName('queue name', name));
    return queueConfig(name, queue, handlers);
  });
  const served = new Set(queues.flatMap((queue) => queue.handlers));
  const idle = [...handlers.keys()].find((name) => !served.has(name));
  if (idle !== undefined) {
    handlersNode?.entries().get(idle)?.fail('expected it in one of queues, got none that has it');
  }
  return queues;
}

function queueConfig(name: string, node: ConfigNode, known: ReadonlyMap<string, unknown>): QueueConfig {
  const entries = node.isMap ? node.entries(['handlers', ...OPTIONS]) : new Map<string, ConfigNode>();
  const listed = node.isMap ? entries.get('handlers') : node;
  if (!listed) return node.fail('expected handlers, got a queue without one');
  const names = typeof listed.value === 'string' ? [listed] : listed.items('the name of a handler, or a list of them');
  const handlers = names.map((one) => {
    const handler = one.text('the name of a handler');
    if (known.has(handler)) return handler;
    const there = [...known.keys()].join(', ') || 'none';
    return one.fail(`expected one of handlers (${there}), got the unknown handler ${show(handler)}`);
  });
  let settings = NO_SETTINGS;
  for (const key of OPTIONS) {
    const option = entries.get(key);
    const given = option?.check(() => queueSettings({ [key]: option.value }, `queues.${name}`));
    if (given)
      settings = { ...settings, ...Object.fromEntries(Object.entries(given).filter(([, one]) => one !== undefined)) };
  }
  return { name, handlers: [...new Set(handlers)], settings };
}

/** The queue of each handler that is listed by one alone. */
export function routesOf(node: ConfigNode | undefined): ReadonlyMap<string, string> {
  const routes = new Map<string, string>();
  const several = new Set<string>();
  for (const [name, queue] of node?.entries() ?? []) {
    const listed = queue.isMap ? queue.entries().get('handlers')?.value : queue.value;
    for (const handler of new Set(Array.isArray(listed) ? (listed as unknown[]) : [listed])) {
      if (typeof handler !== 'string') continue;
      if (routes.has(handler)) several.add(handler);
      routes.set(handler, name);
    }
  }
  for (const handler of several) routes.delete(handler);
  return routes;
}
