import { join } from 'node:path';
import type { JobsModuleOptions } from 'nestjs-jobs';
import { filer } from 'nestjs-jobs/filer';
import { config } from './shop.config.js';

type Backend = JobsModuleOptions['backend'];

export function jobsBackend(): Backend {
  return config.jobsUrl ?? filer({ directory: join(config.data, 'jobs') });
}

/** On the server that keeps the jobs, under a prefix of their own; else in a directory of their own. */
export function reportsBackend(): Backend {
  if (!/^(rediss?|beanstalkd):/.test(config.jobsUrl ?? ''))
    return filer({ directory: join(config.data, 'report-jobs') });
  const url = new URL(config.jobsUrl ?? '');
  url.searchParams.set('prefix', `${url.searchParams.get('prefix') ?? 'shop'}-reports`);
  return url.href;
}
