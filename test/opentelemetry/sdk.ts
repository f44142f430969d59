import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';

/** What an application registers before all else; for this whole process. Gives where its spans end. */
export function registerTracing(sampler: Sampler = new AlwaysOnSampler()): InMemorySpanExporter {
  const exporter = new InMemorySpanExporter();
  context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  return exporter;
}

/** Of a span, what makes it part of a trace. */
export function placeOf(span: ReadableSpan): { readonly trace: string; readonly id: string; readonly parent?: string } {
  const { traceId, spanId } = span.spanContext();
  return { trace: traceId, id: spanId, ...(span.parentSpanContext ? { parent: span.parentSpanContext.spanId } : {}) };
}

/** The finished spans of a name, in their order. */
export function spansOf(exporter: InMemorySpanExporter, name: string): ReadableSpan[] {
  return exporter.getFinishedSpans().filter((span) => span.name === name);
}
