import { ConfigurableModuleBuilder, type ConfigurableModuleAsyncOptions } from '@nestjs/common';
import { show } from '../core/show.js';
import type { JobsModuleOptions } from './jobs.options.js';

/** What holds for the module itself, beside its options. */
export interface JobsModuleExtras {
  /** Whether all modules can inject what it exports without importing it. Default `true`. */
  isGlobal?: boolean;
}

/**
 * What `JobsModule.forRootAsync` takes: `useFactory`, with what it asks for in `inject` and where that comes from in
 * `imports`; or a `JobsOptionsFactory` as `useClass` or `useExisting`.
 */
export type JobsModuleAsyncOptions = ConfigurableModuleAsyncOptions<JobsModuleOptions, 'createJobsOptions'> &
  JobsModuleExtras;

const EXTRAS: JobsModuleExtras = { isGlobal: true };

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<JobsModuleOptions>({
  moduleName: 'Jobs',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createJobsOptions')
  .setExtras(EXTRAS, (definition, { isGlobal = true }) => {
    if (typeof isGlobal === 'boolean') return { ...definition, global: isGlobal };
    throw new TypeError(`JobsModule: isGlobal: expected true or false, got ${show(isGlobal)}`);
  })
  .build();
