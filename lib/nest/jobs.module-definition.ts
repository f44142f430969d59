import { ConfigurableModuleBuilder, type ConfigurableModuleAsyncOptions } from '@nestjs/common';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { within } from '../core/checked-object.js';
import type { JobsModuleOptions } from './jobs.options.js';
import { getJobEventsToken, getJobsToken, getPublisherToken } from './jobs.tokens.js';
import { called, DEFAULT_INSTANCE, INSTANCE_NAME, OWN_EVENTS, OWN_JOBS, OWN_PUBLISHER } from './own-tokens.js';

/** What holds for the module itself, beside its options. */
export interface JobsModuleExtras {
  /** Whether all modules can inject what it exports without importing it. Default `true`. */
  isGlobal?: boolean;
  /**
   * Names an instance beside others: what it exports is injected by `@InjectPublisher(name)`, `@InjectJobs(name)` and
   * `@InjectJobEvents(name)`, and its handlers say `@JobHandler('…', { instance: name })`. Default: the one instance that
   * needs no name, `'default'`.
   */
  name?: string;
}

/**
 * What `JobsModule.forRootAsync` takes: `useFactory`, with what it asks for in `inject` and where that comes from in
 * `imports`; or a `JobsOptionsFactory` as `useClass` or `useExisting`.
 */
export type JobsModuleAsyncOptions = ConfigurableModuleAsyncOptions<JobsModuleOptions, 'createJobsOptions'> &
  JobsModuleExtras;

const EXTRAS: JobsModuleExtras = { isGlobal: true, name: DEFAULT_INSTANCE };

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<JobsModuleOptions>({
  moduleName: 'Jobs',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createJobsOptions')
  .setExtras(EXTRAS, (definition, { isGlobal = true, name = DEFAULT_INSTANCE }) => {
    within('JobsModule: name: ', () => checkName('instance name', name));
    if (typeof isGlobal !== 'boolean') {
      throw new TypeError(`${called(name)}: isGlobal: expected true or false, got ${show(isGlobal)}`);
    }
    const aliases = [
      { provide: getPublisherToken(name), useExisting: OWN_PUBLISHER },
      { provide: getJobEventsToken(name), useExisting: OWN_EVENTS },
      { provide: getJobsToken(name), useExisting: OWN_JOBS },
    ];
    return {
      ...definition,
      global: isGlobal,
      providers: [...(definition.providers ?? []), { provide: INSTANCE_NAME, useValue: name }, ...aliases],
      exports: aliases.map(({ provide }) => provide),
    };
  })
  .build();
