import type { Attributes, Context, Exception, Span, SpanContext, Tracer } from '@opentelemetry/api';
import { describeError } from '../core/failure-record.js';
import type { Outcome } from '../core/outcome.js';
import type { JobHeaders, PublishedBatch, RunFacts } from '../core/telemetry.js';
import {
  ATTEMPT,
  BATCH_COUNT,
  DESTINATION,
  ERROR_TYPE,
  errorOf,
  JOB_NAME,
  MESSAGE_ID,
  OPERATION_NAME,
  OPERATION_TYPE,
  OUTCOME,
  outcomeWord,
  SYSTEM,
} from './names.js';
import type { OpenTelemetrySettings } from './options.js';
import type { Api } from './packages.js';

/** Outcomes that no error tells of, and that are none all the same. */
const NO_FAULT: ReadonlySet<Outcome['kind'] | undefined> = new Set(['completed', 'blocked', 'handedBack', 'dropped']);

/** Begins and ends the spans. */
export class Spans {
  constructor(
    private readonly api: Api,
    private readonly tracer: Tracer,
    private readonly settings: Pick<OpenTelemetrySettings, 'relation' | 'exceptions'>,
  ) {}

  /** The headers in which a context travels. */
  get headerNames(): readonly string[] {
    return this.api.propagation.fields();
  }

  /** A job's headers with a context, unless they have a trace of their own. */
  carry(context: Context): (own: JobHeaders) => JobHeaders {
    const carried: Record<string, string> = {};
    this.api.propagation.inject(context, carried);
    return (own) => (this.traceOf(own) ? own : { ...carried, ...own });
  }

  /** The publishing of one job or many; the jobs carry its context. */
  publishing({ engine, drafts, many }: PublishedBatch): Span {
    const { queue, message } = drafts[0] ?? {};
    const oneQueue = drafts.every((draft) => draft.queue === queue) ? queue : undefined;
    const attributes: Attributes = { [SYSTEM]: engine, [OPERATION_NAME]: 'publish', [OPERATION_TYPE]: 'send' };
    if (oneQueue !== undefined) attributes[DESTINATION] = oneQueue;
    if (many) attributes[BATCH_COUNT] = drafts.length;
    else if (message) Object.assign(attributes, { [MESSAGE_ID]: message.id, [JOB_NAME]: message.name });
    const links = drafts.flatMap((draft) => this.traceOf(draft.message.headers) ?? []).map((context) => ({ context }));
    const name = oneQueue === undefined ? 'publish' : `publish ${oneQueue}`;
    return this.tracer.startSpan(name, { kind: this.api.SpanKind.PRODUCER, attributes, links });
  }

  publishFailed(span: Span, error: Error): void {
    if (span.isRecording()) this.fail(span, error, describeError(error).name);
    span.end();
  }

  /** The handling of a job; the handler runs in its context. */
  handling({ engine, ref, message }: RunFacts): { readonly span: Span; readonly context: Context } {
    const { propagation, ROOT_CONTEXT, trace, SpanKind } = this.api;
    // Not from what is active: who began to read the queue has nothing to do with the job.
    const published = propagation.extract(ROOT_CONTEXT, message?.headers ?? {});
    const publisher = trace.getSpanContext(published);
    const parent = this.settings.relation === 'parent' ? published : trace.deleteSpan(published);
    const span = this.tracer.startSpan(
      `process ${ref.queue}`,
      {
        kind: SpanKind.CONSUMER,
        attributes: {
          [SYSTEM]: engine,
          [DESTINATION]: ref.queue,
          [OPERATION_NAME]: 'process',
          [OPERATION_TYPE]: 'process',
          [MESSAGE_ID]: ref.id,
          [JOB_NAME]: ref.name,
          [ATTEMPT]: ref.attempt,
        },
        links: publisher ? [{ context: publisher }] : [],
      },
      parent,
    );
    return { span, context: trace.setSpan(parent, span) };
  }

  handled(span: Span, outcome: Outcome | undefined): void {
    if (span.isRecording()) {
      const word = outcomeWord(outcome);
      const error = errorOf(outcome);
      span.setAttribute(OUTCOME, word);
      if (!NO_FAULT.has(outcome?.kind)) this.fail(span, error, error ? describeError(error).name : word);
      else if (error) this.tell(span, error);
    }
    span.end();
  }

  private fail(span: Span, error: Error | undefined, type: string): void {
    span.setAttribute(ERROR_TYPE, type);
    const message = error && this.settings.exceptions ? describeError(error).message : undefined;
    span.setStatus({ code: this.api.SpanStatusCode.ERROR, ...(message ? { message } : {}) });
    if (error) this.tell(span, error);
  }

  private tell(span: Span, error: Error): void {
    const { name, message, stack } = describeError(error);
    const told: Exception = this.settings.exceptions ? { name, message, ...(stack ? { stack } : {}) } : { name };
    span.recordException(told);
  }

  private traceOf(headers: JobHeaders): SpanContext | undefined {
    const { isSpanContextValid, propagation, ROOT_CONTEXT, trace } = this.api;
    // Most jobs have no headers of their own, and each is asked.
    if (!this.headerNames.some((name) => name in headers)) return undefined;
    const found = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers));
    return found && isSpanContextValid(found) ? found : undefined;
  }
}
