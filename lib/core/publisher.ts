import { answerKey } from './answer-record.js';
import { Answers, type AskedAnswer } from './answers.js';
import type { Backend } from './backend.js';
import type { CallOptions } from './call-options.js';
import { checkedObject } from './checked-object.js';
import { isDefinition, jobNameOf, type JobDefinition } from './definition.js';
import { Drafting, fitFor, type DraftingSetup } from './drafting.js';
import type { JobEvents } from './events.js';
import type { Forward } from './forward.js';
import type { PublishRequest } from './job-types.js';
import type { RoomPatience } from './limited-queues.js';
import type { ReceivedMessage } from './message.js';
import { PublishError } from './publish-error.js';
import { answeredTo, queueFor, type Draft, type PublishOptions } from './publish-options.js';
import { checkedRequests, runsOfOneQueue, which } from './publish-requests.js';
import { jobHandle, JustPublishedJob, type JobHandle, type PublishedJob } from './published-job.js';
import type { LimitedReceipt } from './queue-limits.js';
import { show } from './show.js';
import { Storing, type StoringSetup } from './storing.js';
import type { JobHeaders, Telemetry } from './telemetry.js';
import type { Unique } from './unique.js';

/** What the publisher needs. */
export interface PublisherSetup extends DraftingSetup, StoringSetup {
  readonly events: JobEvents;
  /** Where answers are waited for. Default: of its own. */
  readonly answers?: Answers | undefined;
}

/** Turns names, payloads and options into messages, and gives them to the backend. */
export class Publisher {
  private readonly drafting: Drafting;
  private readonly storing: Storing;
  private readonly answers: Answers;

  constructor(private readonly setup: PublisherSetup) {
    this.drafting = new Drafting(setup);
    this.storing = new Storing(setup);
    this.answers = setup.answers ?? new Answers(setup.backend, setup.clock);
  }

  /** @throws PublishError */
  publish(job: string | JobDefinition, payload: unknown, options?: PublishOptions): Promise<PublishedJob> {
    // Without a promise of its own: each is felt.
    try {
      return this.send(job, this.drafting.draft(job, payload, options, ''));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Publishes a job and waits for its result.
   *
   * @throws PublishError, and as `JobHandle.result`
   */
  async call(job: string | JobDefinition, payload: unknown, options: CallOptions = {}): Promise<unknown> {
    const { draft, wait, isKept } = this.drafting.call(job, payload, options);
    const { answer, message, queue } = draft;
    if (!answer) throw new PublishError(`job "${message.name}" not called: keepResult: expected a duration, got false`);
    const asked: AskedAnswer = { id: message.id, name: message.name, queue, key: answer.key, since: answer.stamp };
    this.answers.checkOpen(asked);
    wait.signal?.throwIfAborted();
    // Which job has an id of the caller's own, or a unique key, is known only when it is published.
    if (!message.freshId || draft.unique) {
      return (await this.send(job, draft)).result({ timeout: wait.timeoutMs, signal: wait.signal });
    }
    const backend = this.storing.backend ?? (await this.storing.open());
    const letters = isKept ? undefined : backend.records?.letters;
    const address = letters?.address();
    const own = address === undefined ? draft : answeredTo(draft, address);
    fitFor(backend, own, '');
    let abandon = (_: unknown): void => undefined;
    const heard = address === undefined ? asked : { ...asked, letters };
    const waiting = this.answers.awaited(heard, wait, (given) => (abandon = given));
    const failed = (error: unknown): Promise<unknown> => {
      abandon(error);
      return waiting;
    };
    return Promise.race([
      waiting,
      this.sendChecked(own, this.drafting.check(job, own, '')).then(() => waiting, failed),
    ]);
  }

  /**
   * A job that was published elsewhere or earlier.
   *
   * @throws TypeError naming what was expected and what was given
   */
  job(job: string | JobDefinition, id: string, options: { readonly queue?: string } = {}): JobHandle {
    const name = jobNameOf(job);
    if (typeof id !== 'string' || id === '') throw new TypeError(`job id: expected a text, got ${show(id)}`);
    const given = checkedObject(options, ['queue'], 'job') as typeof options;
    const queue = queueFor(name, isDefinition(job) ? job : undefined, given.queue, this.setup);
    return jobHandle({ id, name, queue, key: answerKey(queue, id), since: undefined }, this.answers);
  }

  /**
   * Checks all, then stores them in their order.
   *
   * @throws PublishError telling how many were stored
   */
  async publishMany(requests: readonly PublishRequest[]): Promise<PublishedJob[]> {
    const jobs = checkedRequests(requests);
    const drafts = jobs.map((one, index) =>
      this.drafting.draft(one.job ?? one.name, one.payload, one.options, which(index)),
    );
    for (const [index, draft] of drafts.entries()) {
      await this.drafting.check(jobs[index]?.job ?? draft.message.name, draft, which(index));
    }
    const backend = this.storing.backend ?? (await this.storing.open());
    const { telemetry } = this.setup;
    if (!telemetry) return this.storeAll(backend, drafts);
    return telemetry.publishing({ engine: backend.traits.name, drafts, many: true }, (headersFor) =>
      this.storeAll(
        backend,
        drafts.map((draft) => carrying(draft, headersFor)),
      ),
    );
  }

  private async storeAll(backend: Backend, drafts: readonly Draft[]): Promise<PublishedJob[]> {
    const fitting = drafts.map((draft, index) => fitFor(backend, draft, which(index)));
    const published: PublishedJob[] = [];
    for (const run of runsOfOneQueue(fitting)) {
      const [first] = run.drafts;
      if (first?.unique) {
        published.push(await this.storeUnique(backend, first, first.unique, published.length));
        continue;
      }
      const messages = run.drafts.map((draft) => draft.message);
      const receipts = await this.storing.storeInRoom(backend, run.queue, messages, published.length);
      for (const [index, draft] of run.drafts.entries()) published.push(this.told(draft, receipts[index]));
    }
    return published;
  }

  /**
   * What a job that goes on as another is to be stored as, checked.
   *
   * @throws PublishError
   */
  draftNext(message: ReceivedMessage, queue: string, next: Forward): Promise<Draft> {
    const draft = this.drafting.next(message, queue, next);
    const { telemetry } = this.setup;
    // What takes the place of the job before it is published by no call of its own.
    const isReplacement = draft.queue === queue;
    return this.checked(
      next.job,
      telemetry && isReplacement ? carrying(draft, (own) => telemetry.headersFor(own)) : draft,
    );
  }

  /**
   * Publishes the job of a schedule's tick, under the id that every process gives it.
   *
   * @throws PublishError
   */
  async publishTick(job: string | JobDefinition, payload: unknown, options: PublishOptions): Promise<PublishedJob> {
    return this.send(job, this.drafting.tick(job, payload, options));
  }

  /**
   * Stores what was drafted and checked.
   *
   * @param patience how long it waits for room in a queue that has limits; default: as one who publishes
   * @throws PublishError
   */
  async publishDraft(draft: Draft, patience?: RoomPatience): Promise<PublishedJob> {
    const backend = this.storing.backend ?? (await this.storing.open());
    return this.setup.telemetry
      ? this.storeTracked(backend, draft, this.setup.telemetry, patience)
      : this.storeOne(backend, draft, patience);
  }

  /** Tells of a job that was stored in the place of the one before it. */
  tellStored(draft: Draft): void {
    this.told(draft, { duplicate: false });
  }

  private send(job: string | JobDefinition, draft: Draft): Promise<PublishedJob> {
    const checking = this.drafting.check(job, draft, '');
    const { backend } = this.storing;
    // Without a wait that is for nothing: each is felt.
    return backend && !checking ? this.store(backend, draft) : this.sendChecked(draft, checking);
  }

  private async sendChecked(draft: Draft, checking: Promise<void> | undefined): Promise<PublishedJob> {
    await checking;
    return this.store(this.storing.backend ?? (await this.storing.open()), draft);
  }

  /** @throws PublishError, also at once */
  private store(backend: Backend, draft: Draft): Promise<PublishedJob> {
    const { telemetry } = this.setup;
    return telemetry
      ? this.storeTracked(backend, draft, telemetry)
      : this.storeOne(backend, fitFor(backend, draft, ''));
  }

  private async storeTracked(
    backend: Backend,
    draft: Draft,
    telemetry: Telemetry,
    patience?: RoomPatience,
  ): Promise<PublishedJob> {
    const batch = { engine: backend.traits.name, drafts: [draft], many: false };
    const store = async (headersFor: (own: JobHeaders) => JobHeaders): Promise<readonly [PublishedJob]> => [
      await this.storeOne(backend, fitFor(backend, carrying(draft, headersFor), ''), patience),
    ];
    const [published] = await telemetry.publishing(batch, store);
    return published;
  }

  private storeOne(backend: Backend, draft: Draft, patience?: RoomPatience): Promise<PublishedJob> {
    if (draft.unique) return this.storeUnique(backend, draft, draft.unique, 0);
    return this.storing
      .storeInRoom(backend, draft.queue, [draft.message], 0, patience)
      .then((receipts) => this.told(draft, receipts[0]));
  }

  private async checked(job: string | JobDefinition, draft: Draft): Promise<Draft> {
    await this.drafting.check(job, draft, '');
    return fitFor(this.storing.backend ?? (await this.storing.open()), draft, '');
  }

  private async storeUnique(backend: Backend, draft: Draft, unique: Unique, before: number): Promise<PublishedJob> {
    const receipt = await this.storing.storeUnique(backend, draft, unique, before);
    if ('stored' in receipt) return this.told(draft, receipt.stored);
    const { holder } = receipt;
    const answer = draft.answer && { ...draft.answer, key: answerKey(holder.queue, holder.id) };
    const message = { ...draft.message, id: holder.id };
    return this.told({ queue: holder.queue, message, answer }, { duplicate: true });
  }

  private told(draft: Draft, receipt: LimitedReceipt | undefined): PublishedJob {
    const published = new JustPublishedJob(draft, receipt, this.answers);
    if (receipt?.dropped) return published;
    this.setup.events.emit('published', published);
    return published;
  }
}

/** The same with the headers of a telemetry. */
function carrying(draft: Draft, headersFor: (own: JobHeaders) => JobHeaders): Draft {
  return { ...draft, message: { ...draft.message, headers: headersFor(draft.message.headers) } };
}
