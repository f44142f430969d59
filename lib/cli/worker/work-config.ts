import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { durationMs } from '../../core/duration.js';
import { messageOf } from '../../core/errors.js';
import { jobDefaults } from '../../core/job-defaults.js';
import type { JobDefaults } from '../../core/handlers.js';
import { checkName } from '../../core/names.js';
import { UsageError } from '../exit-codes.js';
import { parseConfig, type ConfigNode } from './config-file.js';
import { handlerConfig, type HandlerConfig } from './handler-config.js';
import { queueConfigs, routesOf, type QueueConfig } from './queue-config.js';
import { moduleName, type ModuleName } from './user-module.js';
import { webhookConfig, type WebhookConfig } from './webhook-config.js';

/** What a worker does, as its configuration says; times are milliseconds. */
export interface WorkConfig {
  /** As it was named. */
  readonly file: string;
  /** Where its paths begin. */
  readonly directory: string;
  /** For errors that concern the whole. */
  readonly root: ConfigNode;
  readonly backend: string | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly app: { readonly name: ModuleName; readonly node: ConfigNode } | undefined;
  readonly handlers: ReadonlyMap<string, HandlerConfig>;
  readonly queues: readonly QueueConfig[];
  readonly defaults: JobDefaults;
  readonly unknownJobGraceMs: number;
  readonly blockedForMs: number;
  readonly shutdownGraceMs: number;
  readonly webhook: WebhookConfig | undefined;
}

const KEYS = [
  'backend',
  'environment',
  'app',
  'handlers',
  'queues',
  'defaults',
  'unknownJobGrace',
  'blockedFor',
  'shutdownGrace',
  'webhook',
];
/** What an application decides by itself. */
const NOT_OF_APPS = ['handlers', 'queues', 'defaults', 'unknownJobGrace', 'blockedFor', 'shutdownGrace', 'webhook'];

/** What of a configuration concerns those who don't work by it. */
export interface ConfigOutline {
  readonly backend: string | undefined;
  /** The queue of each job that one queue alone serves. */
  readonly routes: ReadonlyMap<string, string>;
}

/** @throws UsageError where it can't be read or something in it is wrong; it names file, line and column */
export async function readWorkConfig(file: string): Promise<WorkConfig> {
  return workConfig(await readRoot(file), file);
}

/** The same without a look at what handles jobs, which may not be here. */
export async function readOutline(file: string): Promise<ConfigOutline> {
  const entries = (await readRoot(file)).entries();
  return {
    backend: backendOf(entries.get('backend'), dirname(resolve(file))),
    routes: routesOf(entries.get('queues')),
  };
}

async function readRoot(file: string): Promise<ConfigNode> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`${file}: the configuration can't be read: ${messageOf(cause)}`, { cause });
  }
  return parseConfig(text, file);
}

function workConfig(root: ConfigNode, file: string): WorkConfig {
  const directory = dirname(resolve(file));
  const entries = root.entries(KEYS);
  const app = entries.get('app');
  const foreign = app && NOT_OF_APPS.find((key) => entries.has(key));
  if (foreign) entries.get(foreign)?.fail('expected nothing beside app, whose own options say it');
  const environment = entries.get('environment')?.texts() ?? {};
  const handlers = new Map(
    [...(entries.get('handlers')?.entries() ?? [])].map(([name, node]) => {
      node.check(() => checkName('job name', name));
      return [name, handlerConfig(name, node, directory, environment)] as const;
    }),
  );
  const duration = (key: string, fallback: string): number =>
    entries.get(key)?.check(() => durationMs(entries.get(key)?.value, key)) ?? durationMs(fallback, key);
  return {
    file,
    directory,
    root,
    backend: backendOf(entries.get('backend'), directory),
    environment,
    app: app && { name: app.valid((value) => moduleName(value, './dist/app.module.js#AppModule')), node: app },
    handlers,
    queues: queueConfigs(entries.get('queues'), handlers, entries.get('handlers')),
    defaults: entries.get('defaults')?.check(() => jobDefaults(entries.get('defaults')?.value)) ?? jobDefaults({}),
    unknownJobGraceMs: duration('unknownJobGrace', '5m'),
    blockedForMs: duration('blockedFor', '7 days'),
    shutdownGraceMs: duration('shutdownGrace', '30s'),
    webhook: entries.get('webhook') && webhookConfig(entries.get('webhook') as ConfigNode),
  };
}

/** A relative folder of filer's begins where the configuration is, as all of its paths do. */
function backendOf(node: ConfigNode | undefined, directory: string): string | undefined {
  if (!node) return undefined;
  const url = node.text('a URL such as filer:var/jobs');
  const relative = /^filer:(?!\/)([^?#]+)(.*)$/is.exec(url);
  if (!relative) return url;
  const [, folder = '', query = ''] = relative;
  return `filer:${directory.split('/').map(encodeURIComponent).join('/')}/${folder}${query}`;
}
