import 'reflect-metadata';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { onTestFinished } from 'vitest';
import { AppModule } from '../src/app.module.js';
import { takePictures } from '../src/picture-body.js';

export interface OpenShop {
  readonly app: NestExpressApplication;
  readonly jobs: JobsTesting;
  readonly url: string;
  order(email: string, item: string, headers?: Record<string, string>): Promise<Ordered>;
}

export interface Ordered {
  readonly jobs: { readonly email: string; readonly reminder: string; readonly label: string };
  readonly requestId: string | null;
}

/** The whole shop, in this process; its jobs lie in memory, and run when the test says so. */
export async function openShop(change = (module: TestingModuleBuilder) => module): Promise<OpenShop> {
  const module = change(Test.createTestingModule({ imports: [AppModule, JobsTestingModule] }));
  const app = (await module.compile()).createNestApplication<NestExpressApplication>({ logger: false });
  onTestFinished(() => app.close());
  takePictures(app);
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return {
    app,
    jobs: app.get(JobsTesting),
    url,
    async order(email, item, headers = {}) {
      const body = JSON.stringify({ email, item });
      const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
      const answer = await fetch(`${url}/orders`, init);
      if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
      const { jobs } = (await answer.json()) as Pick<Ordered, 'jobs'>;
      return { jobs, requestId: answer.headers.get('x-request-id') };
    },
  };
}
