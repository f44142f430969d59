import { Inject, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { JobEvents } from '../core/events.js';
import { BackendHost } from './backend.host.js';
import { ConsumerHost } from './consumer.host.js';
import { ENGINE_SUBSTITUTE } from './engine-substitute.js';
import { JobsOutermostModule, placeHooks } from './hook-order.js';
import { InstanceConsumer } from './instance-consumer.js';
import { InstanceOperator } from './instance-operator.js';
import { JobContextCreator } from './job-context.creator.js';
import { JobEventExplorer } from './job-event.explorer.js';
import { JobHandlerCaller } from './job-handler.caller.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { logError, logger, logJobsOf } from './jobs.logger.js';
import {
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  type JobsModuleAsyncOptions,
  type JobsModuleExtras,
} from './jobs.module-definition.js';
import type { JobsModuleOptions } from './jobs.options.js';
import { JobsService } from './jobs.service.js';
import { JOBS_SETTINGS, jobsSettings } from './jobs.settings.js';
import { DEFAULT_INSTANCE, INSTANCE_NAME, OWN_EVENTS, OWN_JOBS, OWN_PUBLISHER } from './own-tokens.js';
import { PublisherService } from './publisher.service.js';
import { WorkerEventListeners } from './worker-event.listeners.js';

/**
 * Publishes and handles background jobs. Exports `PublisherService`, `JobEvents` and `JobsService`; with a `name`, the same
 * under the tokens of that name.
 */
@Module({
  imports: [JobsOutermostModule],
  providers: [
    // Stays null where the class is imported as it is, without forRoot.
    { provide: MODULE_OPTIONS_TOKEN, useValue: null },
    { provide: INSTANCE_NAME, useValue: DEFAULT_INSTANCE },
    {
      provide: JOBS_SETTINGS,
      useFactory: jobsSettings,
      inject: [MODULE_OPTIONS_TOKEN, INSTANCE_NAME, { token: ENGINE_SUBSTITUTE, optional: true }],
    },
    { provide: OWN_EVENTS, useFactory: createEvents, inject: [INSTANCE_NAME] },
    BackendHost,
    JobContextCreator,
    JobHandlerCaller,
    JobHandlerExplorer,
    InstanceOperator,
    WorkerEventListeners,
    JobEventExplorer,
    { provide: OWN_PUBLISHER, useClass: PublisherService },
    InstanceConsumer,
    ConsumerHost,
    { provide: OWN_JOBS, useClass: JobsService },
  ],
})
export class JobsModule extends ConfigurableModuleClass {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    super();
    placeHooks(modules, JobsModule, -1);
  }

  /**
   * The module for the application's root; several of them, where each but one has a `name`.
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

function createEvents(instance: string): JobEvents {
  const events = new JobEvents(logError, (message) => logger.warn(message));
  logJobsOf(events, instance);
  return events;
}
