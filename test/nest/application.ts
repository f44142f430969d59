import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { Module, type INestApplicationContext, type LoggerService, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  getJobEventsToken,
  getPublisherToken,
  JobHandler,
  JobsModule,
  type JobEvents,
  type JobsModuleOptions,
  type PublisherService,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { onTestFinished } from 'vitest';

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly rest: readonly unknown[];
}

const DURABILITY = /^\S+ keeps jobs /;

/** Keeps what Nest and the module log. */
export class Lines implements LoggerService {
  readonly all: Line[] = [];

  log = (message: unknown, ...rest: unknown[]): void => this.keep('log', message, rest);
  warn = (message: unknown, ...rest: unknown[]): void => this.keep('warn', message, rest);
  error = (message: unknown, ...rest: unknown[]): void => this.keep('error', message, rest);

  /** The messages of the module's own, but the one of each start that tells how safe jobs are. */
  ofJobs(...levels: string[]): string[] {
    return this.messages()
      .filter(({ level }) => levels.length === 0 || levels.includes(level))
      .map(({ message }) => message)
      .filter((message) => !DURABILITY.test(message));
  }

  /** What was told of how safe jobs are. */
  ofDurability(): string[] {
    return this.messages()
      .map(({ message }) => message)
      .filter((message) => DURABILITY.test(message));
  }

  private messages(): Line[] {
    return this.all.filter(({ rest }) => rest.at(-1) === 'Jobs');
  }

  private keep(level: string, message: unknown, rest: unknown[]): void {
    this.all.push({ level, message: String(message), rest });
  }
}

export interface Application {
  readonly app: INestApplicationContext;
  readonly publisher: PublisherService;
  readonly events: JobEvents;
  readonly lines: Lines;
}

/** A module class from its metadata. */
export function moduleOf(metadata: ModuleMetadata, name = 'AppModule'): new () => object {
  const type = { [name]: class {} }[name] as new () => object;
  Module(metadata)(type);
  return type;
}

/** A started application of this module; closed when the test is over. */
export async function start(type: new () => object, lines = new Lines(), instance?: string): Promise<Application> {
  const app = await NestFactory.createApplicationContext(type, { logger: lines, abortOnError: false });
  // Where a test has closed it, Nest 11 runs the hooks again, which may then fail.
  onTestFinished(() => app.close().catch(() => undefined));
  return { app, publisher: app.get(getPublisherToken(instance)), events: app.get(getJobEventsToken(instance)), lines };
}

/** A started application that has the module with these options, a memory of its own where they name no backend. */
export function startJobs(metadata: ModuleMetadata, options: Partial<JobsModuleOptions> = {}): Promise<Application> {
  const jobs = JobsModule.forRoot({ backend: memory(), ...options });
  return start(moduleOf({ ...metadata, imports: [jobs, ...(metadata.imports ?? [])] }));
}

/** Waits for what others do. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const giveUpAt = performance.now() + 45_000;
  while (!holds()) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain: ${what}`);
    await sleep(2);
  }
}

/** Lets whatever is ready to happen happen, where nothing is expected to. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await setImmediate();
}

/** A promise and what resolves it. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

/** A handler class of its own that keeps the payloads of the jobs named `follow`. */
export function follower(): new () => { readonly payloads: unknown[] } {
  @JobHandler('follow')
  class Followed {
    readonly payloads: unknown[] = [];

    handle(payload: unknown): void {
      this.payloads.push(payload);
    }
  }
  return Followed;
}
