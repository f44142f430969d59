import { Inject } from '@nestjs/common';
import { JobEvents } from '../core/events.js';
import { JobsService } from './jobs.service.js';
import { DEFAULT_INSTANCE } from './own-tokens.js';
import { PublisherService } from './publisher.service.js';

/** What `@Inject` and `app.get` take. */
export type InstanceToken<T> = string | (abstract new (...args: never[]) => T);

/** The token of an instance's `PublisherService`; of the default one, the class itself. */
export function getPublisherToken(name: string = DEFAULT_INSTANCE): InstanceToken<PublisherService> {
  return name === DEFAULT_INSTANCE ? PublisherService : `PublisherService_${name}`;
}

/** The token of an instance's `JobsService`; of the default one, the class itself. */
export function getJobsToken(name: string = DEFAULT_INSTANCE): InstanceToken<JobsService> {
  return name === DEFAULT_INSTANCE ? JobsService : `JobsService_${name}`;
}

/** The token of an instance's `JobEvents`; of the default one, the class itself. */
export function getJobEventsToken(name: string = DEFAULT_INSTANCE): InstanceToken<JobEvents> {
  return name === DEFAULT_INSTANCE ? JobEvents : `JobEvents_${name}`;
}

/** Injects the `PublisherService` of `JobsModule.forRoot({ name })`; without a name, that of the default instance. */
export function InjectPublisher(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getPublisherToken(name));
}

/** Injects the `JobsService` of `JobsModule.forRoot({ name })`; without a name, that of the default instance. */
export function InjectJobs(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getJobsToken(name));
}

/** Injects the `JobEvents` of `JobsModule.forRoot({ name })`; without a name, those of the default instance. */
export function InjectJobEvents(name?: string): PropertyDecorator & ParameterDecorator {
  return Inject(getJobEventsToken(name));
}
