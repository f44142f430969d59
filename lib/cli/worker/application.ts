import type { DrainedJobs } from '../../core/drain.js';
import { show } from '../../core/show.js';
import { importMember, packageOf } from './user-module.js';
import type { WorkConfig } from './work-config.js';

/** What is used of a Nest application that a configuration names. */
export interface Application {
  drain(idle: string | undefined): Promise<DrainedJobs>;
  close(): Promise<void>;
}

interface NestCore {
  readonly NestFactory: {
    createApplicationContext(module: unknown, options: object): Promise<NestContext>;
  };
}

interface NestContext {
  get(token: unknown, options: object): { drain(options: object): Promise<DrainedJobs> };
  close(): Promise<void>;
}

/**
 * Starts the application of a configuration, by the Nest of its own project.
 *
 * @throws UsageError naming the line where its module can't be loaded; what the application's start throws
 */
export async function startApplication({ app, directory }: WorkConfig): Promise<Application> {
  if (!app) throw new TypeError('expected a configuration with app');
  const { name, node } = app;
  let module: unknown;
  try {
    module = await importMember(name, directory);
  } catch (error) {
    module = error;
  }
  node.valid(() => {
    if (module instanceof Error) throw module;
    if (typeof module !== 'function') throw new TypeError(`expected the class of a module, got ${show(module)}`);
  });
  const { NestFactory } = node.valid(() => packageOf('@nestjs/core', directory)) as NestCore;
  const { JobsService } = node.valid(() => packageOf('nestjs-jobs', directory)) as { JobsService: unknown };
  const context = await NestFactory.createApplicationContext(module, { abortOnError: false });
  return {
    drain: (idle) => context.get(JobsService, { strict: false }).drain(idle === undefined ? {} : { idle }),
    close: () => context.close(),
  };
}
