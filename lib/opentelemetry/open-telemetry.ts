import type { Context, Span } from '@opentelemetry/api';
import { PublishError } from '../core/publish-error.js';
import { toError } from '../core/errors.js';
import type { Outcome } from '../core/outcome.js';
import type {
  HandlingTelemetry,
  JobHeaders,
  PublishedBatch,
  RunFacts,
  Telemetry,
  WatchedEngine,
} from '../core/telemetry.js';
import { Metrics } from './metrics.js';
import { SCOPE } from './names.js';
import type { OpenTelemetrySettings } from './options.js';
import type { Api } from './packages.js';
import { QueueGauges } from './queue-gauges.js';
import { Spans } from './spans.js';

/** What is told of jobs, as OpenTelemetry's conventions for messaging have it. */
export class OpenTelemetry implements Telemetry {
  private readonly spans: Spans;
  private made: { readonly metrics: Metrics; readonly gauges: QueueGauges } | undefined;

  constructor(
    private readonly api: Api,
    private readonly settings: OpenTelemetrySettings,
  ) {
    this.spans = new Spans(api, (settings.tracerProvider ?? api.trace).getTracer(SCOPE), settings);
  }

  get headerNames(): readonly string[] {
    return this.spans.headerNames;
  }

  headersFor(own: JobHeaders): JobHeaders {
    return this.spans.carry(this.api.context.active())(own);
  }

  async publishing<Jobs>(
    batch: PublishedBatch,
    store: (headersFor: (own: JobHeaders) => JobHeaders) => Promise<Jobs>,
  ): Promise<Jobs> {
    const { context, trace } = this.api;
    const span = this.spans.publishing(batch);
    const within = trace.setSpan(context.active(), span);
    try {
      const published = await context.with(within, () => store(this.spans.carry(within)));
      this.metrics.published(batch, batch.drafts.length);
      span.end();
      return published;
    } catch (thrown) {
      const error = toError(thrown);
      this.metrics.published(batch, error instanceof PublishError ? error.stored : 0, error);
      this.spans.publishFailed(span, error);
      throw thrown;
    }
  }

  handling(run: RunFacts): HandlingTelemetry {
    const { span, context } = this.spans.handling(run);
    this.metrics.started(run);
    return new HandlingSpan(span, context, this.api, (outcome, durationMs) => {
      this.metrics.ended(run, outcome, durationMs);
      this.spans.handled(span, outcome);
    });
  }

  unhandled(run: RunFacts, outcome: Outcome | undefined): void {
    this.metrics.ended(run, outcome, undefined);
    // What only waits goes on; what has come to its end in vain belongs into its trace.
    if (outcome?.kind === 'failed' || outcome?.kind === 'expired')
      this.spans.handled(this.spans.handling(run).span, outcome);
  }

  watch(engine: WatchedEngine): () => void {
    return this.settings.queues ? this.instruments.gauges.watch(engine) : () => undefined;
  }

  private get metrics(): Metrics {
    return this.instruments.metrics;
  }

  /** Not before they are needed: a provider that is registered later would never hear of them. */
  private get instruments(): { readonly metrics: Metrics; readonly gauges: QueueGauges } {
    if (this.made) return this.made;
    const meter = (this.settings.meterProvider ?? this.api.metrics).getMeter(SCOPE);
    return (this.made = { metrics: new Metrics(meter), gauges: new QueueGauges(meter) });
  }
}

class HandlingSpan implements HandlingTelemetry {
  constructor(
    readonly span: Span,
    private readonly context: Context,
    private readonly api: Api,
    readonly ended: HandlingTelemetry['ended'],
  ) {}

  within<T>(work: () => T): T {
    return this.api.context.with(this.context, work);
  }
}
