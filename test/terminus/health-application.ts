import { setTimeout } from 'node:timers/promises';
import { Controller, Get, Inject, Module, type ModuleMetadata } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule, type HealthIndicatorFunction } from '@nestjs/terminus';
import { JobsModule, PublisherService, type JobsModuleOptions } from 'nestjs-jobs';
import { JobsHealthIndicator, JobsHealthModule } from 'nestjs-jobs/terminus';
import { onTestFinished } from 'vitest';
import { Lines } from '../nest/application.js';

/** What the endpoint answers. */
export interface HealthAnswer {
  readonly code: number;
  readonly details: Readonly<Record<string, { readonly status: string } & Record<string, unknown>>>;
}

export interface HealthApplication {
  readonly publisher: PublisherService;
  readonly indicator: JobsHealthIndicator;
  /** Asks over HTTP. */
  health(): Promise<HealthAnswer>;
  /** Asks until the answer has this code. */
  becomes(code: number): Promise<HealthAnswer>;
  close(): Promise<void>;
}

/** A web application that tells its health under /health, as one with terminus does. */
export async function healthApplication(
  options: JobsModuleOptions,
  checks: (jobs: JobsHealthIndicator) => HealthIndicatorFunction[],
  metadata: ModuleMetadata = {},
): Promise<HealthApplication> {
  @Controller()
  class Health {
    constructor(
      @Inject(HealthCheckService) private readonly service: HealthCheckService,
      @Inject(JobsHealthIndicator) private readonly jobs: JobsHealthIndicator,
    ) {}

    @Get('health')
    @HealthCheck()
    health(): unknown {
      return this.service.check(checks(this.jobs));
    }
  }
  class App {}
  Module({
    ...metadata,
    imports: [
      JobsModule.forRoot(options),
      TerminusModule.forRoot({ logger: false }),
      JobsHealthModule,
      ...(metadata.imports ?? []),
    ],
    controllers: [Health],
  })(App);
  const app = await NestFactory.create(App, { logger: new Lines(), abortOnError: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const url = `${await app.getUrl()}/health`;
  const health = async (): Promise<HealthAnswer> => {
    const response = await fetch(url);
    const { details } = (await response.json()) as Pick<HealthAnswer, 'details'>;
    return { code: response.status, details };
  };
  return {
    publisher: app.get(PublisherService),
    indicator: app.get(JobsHealthIndicator),
    health,
    async becomes(code) {
      for (const giveUpAt = performance.now() + 30_000; ;) {
        const answer = await health();
        if (answer.code === code) return answer;
        if (performance.now() > giveUpAt) throw new Error(`waited in vain for ${code}: ${JSON.stringify(answer)}`);
        await setTimeout(50);
      }
    },
    close: () => app.close(),
  };
}
