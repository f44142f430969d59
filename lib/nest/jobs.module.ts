import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { JobEvents } from '../core/events.js';
import { BackendHost } from './backend.host.js';
import { ConsumerHost } from './consumer.host.js';
import { JobsOutermostModule, placeHooks } from './hook-order.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { logError, logJobs } from './jobs.logger.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type JobsModuleAsyncOptions,
  type JobsModuleExtras,
} from './jobs.module-definition.js';
import type { JobsModuleOptions } from './jobs.options.js';
import { JobsService } from './jobs.service.js';
import { JOBS_SETTINGS, jobsSettings } from './jobs.settings.js';
import { PublisherService } from './publisher.service.js';

/** Publishes and handles background jobs. Exports `PublisherService`, `JobEvents` and `JobsService`. */
@Module({
  imports: [JobsOutermostModule],
  providers: [
    // Stays null where the class is imported as it is, without forRoot.
    { provide: MODULE_OPTIONS_TOKEN, useValue: null },
    { provide: JOBS_SETTINGS, useFactory: jobsSettings, inject: [MODULE_OPTIONS_TOKEN] },
    { provide: JobEvents, useFactory: createEvents },
    BackendHost,
    JobHandlerExplorer,
    PublisherService,
    ConsumerHost,
    JobsService,
  ],
  exports: [PublisherService, JobEvents, JobsService],
})
export class JobsModule extends ConfigurableModuleClass {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    super();
    if (placeHooks(modules, JobsModule, -1) > 1) {
      throw new Error(
        'JobsModule is imported twice in one application. Import JobsModule.forRoot(…) once, in its root module, for ' +
          'it is global; with isGlobal: false, keep what forRoot returns in a constant, and import that.',
      );
    }
  }

  /**
   * The module for the application's root.
   *
   * @throws TypeError at the start of the application, naming the option, what was expected and what was given
   */
  static override forRoot(options: JobsModuleOptions & JobsModuleExtras): DynamicModule {
    return super.forRoot(options ?? {});
  }

  /** The same with options that are made from other providers. */
  static override forRootAsync(options: JobsModuleAsyncOptions): DynamicModule {
    if (options.useFactory ?? options.useClass ?? options.useExisting) return super.forRootAsync(options);
    throw new TypeError('JobsModule: forRootAsync: expected useFactory, useClass or useExisting');
  }
}

function createEvents(): JobEvents {
  const events = new JobEvents(logError);
  logJobs(events);
  return events;
}
