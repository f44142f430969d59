import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { Inject } from '@nestjs/common';
import { FatalError, forward, JobHandler, PublishError, PublisherService, type Job } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { openTelemetry } from 'nestjs-jobs/opentelemetry';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startJobs, until } from '../nest/application.js';
import { RecordingEngine } from '../core/engine.js';
import { placeOf, registerTracing, spansOf } from './sdk.js';

const exporter = registerTracing();
const tracer = trace.getTracer('test');

beforeEach(() => exporter.reset());
afterEach(() => exporter.reset());

const telemetry = openTelemetry();

function inSpan<T>(name: string, work: () => T): T {
  const span = tracer.startSpan(name);
  try {
    return context.with(trace.setSpan(context.active(), span), work);
  } finally {
    span.end();
  }
}

@JobHandler('work')
class Works {
  readonly seen: { readonly active: string | undefined; readonly headers: Job['headers'] }[] = [];

  async handle(payload: unknown, job: Job): Promise<string> {
    await Promise.resolve();
    this.seen.push({ active: trace.getActiveSpan()?.spanContext().spanId, headers: job.headers });
    if (payload === 'fatal') throw new FatalError('no such card 4711');
    if (payload === 'again' && job.attempt === 1) throw new Error('busy');
    return 'done';
  }
}

test('a job’s handling is a child of its publishing, which is one of the request; the handler runs within it', async () => {
  const { app, publisher } = await startJobs({ providers: [Works] }, { telemetry });
  const { id } = await inSpan('request', () => publisher.publish('work', { secret: 'hunter2' }));
  await until(() => spansOf(exporter, 'process default').length === 1, 'the handling');
  const [request, published, handled] = ['request', 'publish default', 'process default'].map(
    (name) => spansOf(exporter, name)[0],
  );
  if (!request || !published || !handled) throw new Error('a span is missing');
  expect(placeOf(published)).toMatchObject({ trace: placeOf(request).trace, parent: placeOf(request).id });
  expect(placeOf(handled)).toMatchObject({ trace: placeOf(request).trace, parent: placeOf(published).id });
  expect(handled.links.map((link) => link.context.spanId)).toEqual([placeOf(published).id]);
  expect(published.kind).toBe(SpanKind.PRODUCER);
  expect(published.attributes).toEqual({
    'messaging.system': 'memory',
    'messaging.operation.name': 'publish',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'default',
    'messaging.message.id': id,
    'nestjs_jobs.job.name': 'work',
  });
  expect(handled.kind).toBe(SpanKind.CONSUMER);
  expect(handled.attributes).toEqual({
    'messaging.system': 'memory',
    'messaging.operation.name': 'process',
    'messaging.operation.type': 'process',
    'messaging.destination.name': 'default',
    'messaging.message.id': id,
    'nestjs_jobs.job.name': 'work',
    'nestjs_jobs.job.attempt': 1,
    'nestjs_jobs.outcome': 'completed',
  });
  expect(handled.status.code).toBe(SpanStatusCode.UNSET);
  const { seen } = app.get(Works);
  expect(seen).toEqual([{ active: placeOf(handled).id, headers: { traceparent: expect.any(String) as string } }]);
  expect(
    JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events }) => ({ attributes, events }))),
  ).not.toMatch(/secret|hunter2/);
});

test('many jobs of one call have one span; each is handled within the trace', async () => {
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry });
  await publisher.publishMany([1, 2, 3].map((payload) => ({ name: 'work', payload })));
  await until(() => spansOf(exporter, 'process default').length === 3, 'all');
  const [published, ...others] = spansOf(exporter, 'publish default');
  expect(others).toEqual([]);
  expect(published?.attributes).toMatchObject({ 'messaging.batch.message_count': 3 });
  expect(published?.attributes).not.toHaveProperty('messaging.message.id');
  const parents = new Set(spansOf(exporter, 'process default').map((span) => placeOf(span).parent));
  expect([...parents]).toEqual([published && placeOf(published).id]);
});

test('each attempt has a span of the same trace, with the error of the one that failed', async () => {
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry });
  await publisher.publish('work', 'again', { backoff: { kind: 'fixed', base: 1 } });
  await until(() => spansOf(exporter, 'process default').length === 2, 'both attempts');
  const [first, second] = spansOf(exporter, 'process default');
  expect(new Set([first, second].map((span) => span?.spanContext().traceId)).size).toBe(1);
  expect(first).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: 'busy' },
    attributes: { 'nestjs_jobs.outcome': 'retried', 'error.type': 'Error' },
    events: [{ name: 'exception', attributes: { 'exception.message': 'busy' } }],
  });
  expect(second?.attributes).toMatchObject({ 'nestjs_jobs.outcome': 'completed', 'nestjs_jobs.job.attempt': 2 });
});

test('without exceptions, of an error its name alone is told', async () => {
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry: openTelemetry({ exceptions: false }) });
  await publisher.publish('work', 'fatal');
  await until(() => spansOf(exporter, 'process default').length === 1, 'the handling');
  const [span] = spansOf(exporter, 'process default');
  expect(span?.attributes).toMatchObject({ 'nestjs_jobs.outcome': 'failed', 'error.type': 'FatalError' });
  expect(JSON.stringify([span?.status, span?.events])).not.toContain('4711');
});

test('by links, a job begins a trace of its own', async () => {
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry: openTelemetry({ relation: 'link' }) });
  await publisher.publish('work', 1);
  await until(() => spansOf(exporter, 'process default').length === 1, 'the handling');
  const [published, handled] = [spansOf(exporter, 'publish default')[0], spansOf(exporter, 'process default')[0]];
  expect(handled?.parentSpanContext).toBeUndefined();
  expect(handled?.spanContext().traceId).not.toBe(published?.spanContext().traceId);
  expect(handled?.links.map((link) => link.context)).toEqual([
    expect.objectContaining({ spanId: published?.spanContext().spanId }),
  ]);
});

test('a trace that the publisher names itself is kept, and the publishing is linked to it', async () => {
  const { app, publisher } = await startJobs({ providers: [Works] }, { telemetry });
  const given = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'mine=1' };
  await publisher.publish('work', 1, { headers: { ...given, tenant: 'acme' } });
  await until(() => spansOf(exporter, 'process default').length === 1, 'the handling');
  expect(app.get(Works).seen[0]?.headers).toEqual({ ...given, tenant: 'acme' });
  expect(spansOf(exporter, 'process default').map(placeOf)).toMatchObject([
    { trace: '0af7651916cd43dd8448eb211c80319c', parent: 'b7ad6b7169203331' },
  ]);
  expect(spansOf(exporter, 'publish default')[0]?.links.map((link) => link.context.spanId)).toEqual([
    'b7ad6b7169203331',
  ]);
});

test('a job that goes on as another keeps the trace, in another queue and in the same', async () => {
  class Chain {
    @JobHandler('first')
    first(): unknown {
      return forward('second', 2);
    }

    @JobHandler('second')
    second(): unknown {
      return forward('third', 3, { queue: 'others' });
    }

    @JobHandler('third', { queue: 'others' })
    third(_payload: unknown, job: Job): void {
      headers.push(job.headers);
    }
  }
  const headers: unknown[] = [];
  const { publisher } = await startJobs({ providers: [Chain] }, { telemetry });
  await publisher.publish('first', 1, { headers: { tenant: 'acme' } });
  await until(() => spansOf(exporter, 'process others').length === 1, 'the third');
  const [published] = spansOf(exporter, 'publish default');
  const [first, second] = spansOf(exporter, 'process default');
  const [republished] = spansOf(exporter, 'publish others');
  const [third] = spansOf(exporter, 'process others');
  if (!published || !first || !second || !republished || !third) throw new Error('a span is missing');
  expect(placeOf(first).parent).toBe(placeOf(published).id);
  expect(placeOf(second).parent).toBe(placeOf(first).id);
  expect(placeOf(republished).parent).toBe(placeOf(second).id);
  expect(placeOf(third).parent).toBe(placeOf(republished).id);
  expect(new Set(exporter.getFinishedSpans().map((span) => placeOf(span).trace)).size).toBe(1);
  expect(headers).toEqual([
    { tenant: 'acme', traceparent: expect.stringContaining(placeOf(republished).id) as string },
  ]);
});

test('a job that is published by a handler belongs to the handling', async () => {
  class Two {
    constructor(@Inject(PublisherService) readonly publisher: PublisherService) {}

    @JobHandler('outer')
    async outer(): Promise<void> {
      await this.publisher.publish('inner', 1);
    }

    @JobHandler('inner')
    inner(): void {}
  }
  const { publisher } = await startJobs({ providers: [Two] }, { telemetry });
  await publisher.publish('outer', 1);
  await until(() => spansOf(exporter, 'process default').length === 2, 'both');
  expect(new Set(exporter.getFinishedSpans().map((span) => placeOf(span).trace)).size).toBe(1);
});

test('what the engine refuses is an error of the publishing', async () => {
  class Refusing extends RecordingEngine {
    override publish(): Promise<never> {
      return Promise.reject(new Error('disk full'));
    }
  }
  const { publisher } = await startJobs({}, { backend: new Refusing(), telemetry, consume: false });
  await expect(publisher.publish('work', 1)).rejects.toThrow(PublishError);
  const [span] = spansOf(exporter, 'publish default');
  expect(span).toMatchObject({
    status: { code: SpanStatusCode.ERROR, message: expect.stringContaining('disk full') as string },
    attributes: { 'error.type': 'PublishError', 'messaging.system': 'recorder' },
  });
});

test('what fails without having been handled is told in its trace; what only waits is not', async () => {
  const { publisher } = await startJobs({ providers: [Works] }, { telemetry, unknownJobGrace: 0 });
  await publisher.publish('nobodys', 1);
  await until(() => spansOf(exporter, 'process default').length === 1, 'the failure');
  const [published, failed] = [spansOf(exporter, 'publish default')[0], spansOf(exporter, 'process default')[0]];
  expect(failed?.attributes).toMatchObject({ 'nestjs_jobs.outcome': 'failed', 'nestjs_jobs.job.name': 'nobodys' });
  expect(failed?.spanContext().traceId).toBe(published?.spanContext().traceId);
});

test('a job without a trace begins one, whatever was active when its queue was begun to be read', async () => {
  const backend = memory();
  const other = await startJobs({}, { backend, consume: false });
  await inSpan('start', () => startJobs({ providers: [Works] }, { backend, telemetry }));
  await other.publisher.publish('work', 1, { headers: { traceparent: 'no trace at all' } });
  await until(() => spansOf(exporter, 'process default').length === 1, 'the handling');
  const [handled] = spansOf(exporter, 'process default');
  expect(handled?.parentSpanContext).toBeUndefined();
  expect(handled?.links).toEqual([]);
  expect(handled?.spanContext().traceId).not.toBe(spansOf(exporter, 'start')[0]?.spanContext().traceId);
});
