import { checkedWait, withoutRecords, type CheckedWait } from './answers.js';
import type { Backend } from './backend.js';
import type { CallOptions } from './call-options.js';
import type { Clock } from './clock.js';
import type { CapturedHeaders } from './context-carrier.js';
import { isDefinition, type JobDefinition } from './definition.js';
import { messageOf } from './errors.js';
import type { Forward } from './forward.js';
import { inTime } from './in-time.js';
import { encodeMessage, mostBytes, type Message, type ReceivedMessage } from './message.js';
import { nextDraftOf } from './next-draft.js';
import { PublishError } from './publish-error.js';
import { draftOf, withoutAnswer, type Draft, type PublishOptions, type PublishRules } from './publish-options.js';
import { checkedBy } from './schema-check.js';
import { show } from './show.js';
import type { Telemetry } from './telemetry.js';

/** What drafting needs. */
export interface DraftingSetup extends PublishRules {
  readonly clock: Clock;
  readonly publishTimeoutMs: number;
  /** Headers for each job; those that it is published with go before. */
  readonly captureHeaders?: (() => CapturedHeaders) | undefined;
  /** Traces and measures what is published. Default: nobody. */
  readonly telemetry?: Telemetry | undefined;
}

/** What a call publishes, and how its result is waited for. */
export interface CallDraft {
  readonly draft: Draft;
  readonly wait: CheckedWait;
  /** Whether its result is kept for others, too. */
  readonly isKept: boolean;
}

/** For how much longer than it is waited for a result is kept, so that a caller finds it whom the engine kept waiting. */
const CALL_KEEPS_MS = 10_000;

/** Makes of names, payloads and options what is to be stored, and checks it. Everything throws or rejects with a PublishError. */
export class Drafting {
  constructor(private readonly setup: DraftingSetup) {}

  /** @param prefix leads its errors */
  draft(job: unknown, payload: unknown, options: PublishOptions | undefined, prefix: string): Draft {
    const definition = isDefinition(job) ? job : undefined;
    const name = definition ? definition.name : job;
    return this.refusing(job, prefix, () =>
      draftOf(name, definition, payload, this.withHeaders(options ?? {}), this.setup, this.setup.clock.now()),
    );
  }

  /** What a job that goes on as another is to be stored as. */
  next(message: ReceivedMessage, queue: string, next: Forward): Draft {
    return this.refusing(next.job, '', () =>
      nextDraftOf(this.withoutContext(message), queue, next, this.setup, this.setup.clock.now()),
    );
  }

  /** The job of a schedule's tick. */
  tick(job: string | JobDefinition, payload: unknown, options: PublishOptions): Draft {
    const draft = this.draft(job, payload, options, '');
    return { ...draft, message: { ...draft.message, headers: { ...draft.message.headers, tick: '1' } } };
  }

  call(job: string | JobDefinition, payload: unknown, options: CallOptions): CallDraft {
    const { timeout, signal, keepResult, ...others } = options ?? {};
    try {
      const wait = checkedWait({ timeout, signal });
      const kept = { ...others, keepResult: keepResult ?? wait.timeoutMs + CALL_KEEPS_MS };
      return { draft: this.draft(job, payload, kept, ''), wait, isKept: keepResult !== undefined };
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      throw new PublishError(`not called: ${messageOf(cause)}`, { cause });
    }
  }

  /** Checks the payload by the schema of the definition at hand: the one it is published by, else the handler's here. */
  check(job: string | JobDefinition, draft: Draft, prefix: string): Promise<void> | undefined {
    const schema = typeof job === 'string' ? this.setup.handlers.get(job)?.definition?.payload : job.payload;
    return schema && this.checkPayload(schema, draft, prefix);
  }

  private refusing(job: unknown, prefix: string, draft: () => Draft): Draft {
    try {
      return draft();
    } catch (cause) {
      const name = isDefinition(job) ? job.name : job;
      const what = typeof name === 'string' ? `job ${show(name)} ` : '';
      throw new PublishError(`${prefix}${what}not published: ${messageOf(cause)}`, { cause });
    }
  }

  /** It goes on from the run that forwards it, not from the publish before. */
  private withoutContext(message: ReceivedMessage): ReceivedMessage {
    const names = this.setup.telemetry?.headerNames ?? [];
    if (!names.some((name) => name in message.headers)) return message;
    const headers = Object.fromEntries(Object.entries(message.headers).filter(([name]) => !names.includes(name)));
    return { ...message, headers };
  }

  private withHeaders(options: PublishOptions): PublishOptions {
    const { captureHeaders } = this.setup;
    if (!captureHeaders) return options;
    const captured = Object.entries(captureHeaders()).filter(([, text]) => text !== undefined);
    return { ...options, headers: { ...(Object.fromEntries(captured) as Record<string, string>), ...options.headers } };
  }

  /** Checks what is stored, for that is what its handler will be given. */
  private async checkPayload(
    schema: NonNullable<JobDefinition['payload']>,
    draft: Draft,
    prefix: string,
  ): Promise<void> {
    const { body, name } = draft.message;
    const { publishTimeoutMs } = this.setup;
    const refusal = (why: string, cause?: unknown): PublishError =>
      new PublishError(`${prefix}job "${name}" not published: ${why}`, { cause });
    await inTime(
      checkedBy(schema, JSON.parse(body) as unknown, 'payload'),
      publishTimeoutMs,
      () => refusal(`no answer of its schema within ${publishTimeoutMs} ms`),
      (cause) => refusal(messageOf(cause), cause),
    );
  }
}

/**
 * What can be published to a backend: where that keeps no answers, without one that nobody has asked for.
 *
 * @throws PublishError where somebody has, or where the message is too large
 */
export function fitFor(backend: Backend, draft: Draft, prefix: string): Draft {
  checkSize(backend, draft.message, prefix);
  if (!draft.answer || backend.records) return draft;
  if (!draft.answer.isAsked) return withoutAnswer(draft);
  const { name } = draft.message;
  throw new PublishError(`${prefix}job "${name}" not published: keepResult: ${withoutRecords(backend)}`);
}

/** @throws PublishError */
function checkSize(backend: Backend, message: Message, prefix: string): void {
  const { maxBytes, name } = backend.traits;
  if (maxBytes === undefined || mostBytes(message) <= maxBytes) return;
  const size = Buffer.byteLength(encodeMessage(message));
  if (size <= maxBytes) return;
  throw new PublishError(
    `${prefix}job "${message.name}" not published: its message has ${size} bytes, and ${name} takes at most ${maxBytes}`,
  );
}
