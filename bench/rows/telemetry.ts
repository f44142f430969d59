import { randomBytes } from 'node:crypto';
import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { Backend } from '../../lib/core/backend.js';
import type { Telemetry } from '../../lib/core/telemetry.js';
import type { NamedRequest } from '../../lib/core/job-types.js';
import { openTelemetry } from '../../lib/opentelemetry/index.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { Countdown } from '../countdown.js';
import { newConsumer, newPublisher, openByUrl, requests } from '../core-setup.js';
import { inPairs, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

const JOBS = 4_000;
const ROUNDS = 11;
const CONCURRENCY = 50;
/** Of a hundred traces, one is sampled. */
const SAMPLED_OF = 100;

const LEAST = { least: 0.9 };

/** Handling on BullMQ with spans and metrics, by the same without. */
export async function telemetryRows(): Promise<Row[]> {
  const redis = await PrivateRedis.start();
  const backend = await openByUrl(redis.url);
  const { telemetry, end } = register();
  try {
    // The same jobs on both sides: what their header costs where it is stored and read is not of the handling.
    const jobs = requests(JOBS).map(ofTrace);
    const { ratio, a, b } = await inPairs(ROUNDS, JOBS, handling(backend, jobs, telemetry), handling(backend, jobs));
    return [
      ratioRow(
        'handling on BullMQ with telemetry, 1 % sampled, against without',
        ratio,
        LEAST,
        `${perSecond(a)}; without ${perSecond(b)}`,
      ),
    ];
  } finally {
    await end();
    await backend.close();
    await redis.stop();
  }
}

/** From the first job to the last. */
function handling(backend: Backend, jobs: readonly NamedRequest[], telemetry?: Telemetry): Side {
  const publisher = newPublisher(backend);
  return {
    before: async () => void (await publisher.publishMany(jobs)),
    async timed() {
      const count = new Countdown();
      const done = count.from(JOBS);
      const handle = (): void => count.down();
      const consumer = newConsumer(backend, { concurrency: CONCURRENCY, handle, ...(telemetry && { telemetry }) });
      consumer.start();
      await done;
      await consumer.stop(1_000);
    },
  };
}

/** As if published within a request of its own. */
function ofTrace(request: NamedRequest, n: number): NamedRequest {
  const flags = n % SAMPLED_OF === 0 ? '01' : '00';
  const traceparent = `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-${flags}`;
  return { ...request, options: { headers: { traceparent } } };
}

/** As an application does that samples; spans are batched, and go nowhere. */
function register(): { readonly telemetry: Telemetry; end(): Promise<void> } {
  const nowhere: SpanExporter = {
    export: (_spans, told) => told({ code: 0 }),
    shutdown: () => Promise.resolve(),
  };
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracerProvider = new BasicTracerProvider({
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1 / SAMPLED_OF) }),
    spanProcessors: [new BatchSpanProcessor(nowhere)],
  });
  const meterProvider = new MeterProvider({ readers: [new PrometheusExporter({ preventServerStart: true })] });
  return {
    telemetry: openTelemetry({ tracerProvider, meterProvider }),
    async end() {
      await Promise.all([tracerProvider.shutdown(), meterProvider.shutdown()]);
      context.disable();
      propagation.disable();
    },
  };
}
