import { Global, Inject, Module, type DynamicModule } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ENGINE_SUBSTITUTE } from '../nest/engine-substitute.js';
import { placeHooks } from '../nest/hook-order.js';
import { JobsTesting, TESTING_MODE } from './jobs-testing.js';
import { testingMode, type JobsTestingOptions } from './jobs-testing.options.js';

/**
 * Import it beside the application's own module in `Test.createTestingModule`: then every instance of `JobsModule` keeps
 * its jobs in memory, whatever backend it names, and opens no engine. Exports `JobsTesting`.
 */
@Global()
@Module({
  providers: [
    { provide: TESTING_MODE, useValue: 'memory' },
    JobsTesting,
    { provide: ENGINE_SUBSTITUTE, useExisting: JobsTesting },
  ],
  exports: [JobsTesting, ENGINE_SUBSTITUTE],
})
export class JobsTestingModule {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    // Its clock has to go on before JobsModule waits for what is still running.
    placeHooks(modules, JobsTestingModule, -2);
    if ([...modules.values()].filter((one) => one.metatype === JobsTestingModule).length < 2) return;
    throw new Error('JobsTestingModule is imported twice in one application: import it once, with forRoot or without');
  }

  /**
   * The same with options.
   *
   * @throws TypeError naming the option, what was expected and what was given
   */
  static forRoot(options: JobsTestingOptions = {}): DynamicModule {
    return { module: JobsTestingModule, providers: [{ provide: TESTING_MODE, useValue: testingMode(options) }] };
  }
}
