import type { Handler } from '../../core/handlers.js';
import type { Job } from '../../core/job.js';
import { show } from '../../core/show.js';
import type { HandlerConfig } from './handler-config.js';
import { runShell } from './shell-handler.js';
import { importMember, type ModuleName } from './user-module.js';
import type { WorkConfig } from './work-config.js';

type Handle = (payload: unknown, job: Job) => unknown;

/**
 * The handlers of a configuration, loaded.
 *
 * @throws UsageError naming the line of one that can't be loaded
 */
export async function loadHandlers({ handlers, directory, file }: WorkConfig): Promise<readonly Handler[]> {
  const loaded: Handler[] = [];
  for (const [name, config] of handlers) {
    const handle = await handleOf(config, directory);
    loaded.push({ ...config.options, name, origin: `${file}: ${name}`, handle });
  }
  return loaded;
}

async function handleOf({ does, node }: HandlerConfig, directory: string): Promise<Handle> {
  if ('shell' in does) return (payload, job) => runShell(does.shell, payload, job);
  let member: unknown;
  try {
    member = await importMember(does.module, directory);
  } catch (error) {
    member = error;
  }
  return node.valid(() => handleOfMember(member, does.module));
}

function handleOfMember(member: unknown, { module, member: name }: ModuleName): Handle {
  if (member instanceof Error) throw member;
  if (typeof member === 'function' && !/^class\b/.test(String(member))) return member as Handle;
  const handle = (member as { handle?: unknown } | null | undefined)?.handle;
  if (typeof handle === 'function') return (handle as Handle).bind(member);
  throw new TypeError(
    `expected a function, or an object with handle, ${name === undefined ? '' : `as "${name}" `}of ${module}, got ${show(member)}`,
  );
}
