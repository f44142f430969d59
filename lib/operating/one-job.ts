import { answerPlaceOf, noteKey, readNote, type LogNote, type ProgressNote } from '../core/answer-record.js';
import { durationMs, type Duration } from '../core/duration.js';
import type { ChangeResult, InspectedJob, JobChange, JobState } from '../core/inspector.js';
import { FOREIGN_ID_MAX_BYTES, checkName } from '../core/names.js';
import { isUnreadable } from '../core/message.js';
import { show } from '../core/show.js';
import { LAST_MOMENT } from '../core/time.js';
import type { Engine } from './engine.js';
import { jobView, type JobView, type Redact } from './job-view.js';
import { JobNotFoundError, JobStateError } from './operating-errors.js';

/** What became of an action: `'changed'`: the job had gone on meanwhile, and nothing was done. */
export type ActionResult = ChangeResult;

/** The jobs of an id, in all queues or in one. */
export async function getJobs(
  engine: Engine,
  id: string,
  queue: string | undefined,
  redact: Redact | undefined,
): Promise<readonly JobView[]> {
  const inspector = engine.inspector('find a job');
  checkId(id);
  if (queue !== undefined) checkName('queue name', queue);
  engine.check('find a job by its id', inspector.abilities.get);
  const find = async (): Promise<readonly JobView[]> => {
    const queues = queue === undefined ? await inspector.queues() : [queue];
    const found = (await Promise.all(queues.map((name) => inspector.get(name, id)))).flat();
    return Promise.all(found.map(async (job) => ({ ...jobView(job, redact), ...(await notesOf(engine, job)) })));
  };
  return engine.ask(`find job ${show(id)}`, find());
}

/** What a job's handler has said of itself, where the job keeps its result. */
async function notesOf(engine: Engine, job: InspectedJob): Promise<Pick<JobView, 'progress' | 'log'>> {
  const place = isUnreadable(job.content) ? undefined : answerPlaceOf(job.queue, job.content);
  if (!place || !engine.records) return {};
  const [progress, log] = await Promise.all([
    engine.records.get(noteKey('progress', place.key)),
    engine.records.get(noteKey('log', place.key)),
  ]);
  const value = readNote<ProgressNote>(progress?.text, place.stamp)?.value;
  const lines = readNote<LogNote>(log?.text, place.stamp)?.lines;
  return { ...(value === undefined ? {} : { progress: value }), ...(lines ? { log: lines } : {}) };
}

/** A failed job waits again. */
export async function retryJob(engine: Engine, queue: string, id: string): Promise<ActionResult> {
  const inspector = engine.inspector('retry a job');
  engine.check('retry a job', inspector.abilities.retry);
  const jobs = await jobsOf(engine, queue, id);
  const failed = jobs.find(({ state }) => state === 'failed');
  if (failed) return change(engine, failed, { kind: 'retry' });
  for (const { state } of jobs) {
    if (state === 'completed' || state === 'expired') {
      throw new JobStateError(queue, id, state, 'only a failed job can be retried; publish it anew');
    }
  }
  return 'changed';
}

/** @param state of which job, where an engine has several of one id */
export async function removeJob(
  engine: Engine,
  queue: string,
  id: string,
  state: JobState | undefined,
): Promise<ActionResult> {
  const inspector = engine.inspector('remove a job');
  const jobs = await jobsOf(engine, queue, id);
  const meant = state === undefined ? jobs : jobs.filter((job) => job.state === state);
  const job = meant.find((one) => one.state !== 'active');
  if (job) {
    engine.check(`remove ${job.state} jobs`, inspector.abilities.remove[job.state as 'waiting']);
    return change(engine, job, { kind: 'remove' });
  }
  if (meant.length === 0) return 'changed';
  throw new JobStateError(queue, id, 'active', 'a worker handles it; cancel it, or wait for its end');
}

/** @param at milliseconds since 1970; 0: now */
export async function rescheduleJob(engine: Engine, queue: string, id: string, at: number): Promise<ActionResult> {
  const inspector = engine.inspector('reschedule a job');
  engine.check('reschedule a job', inspector.abilities.reschedule);
  const jobs = await jobsOf(engine, queue, id);
  const job = jobs.find(({ state }) => state === 'waiting' || state === 'delayed');
  if (job) return change(engine, job, { kind: 'reschedule', at });
  const { state } = jobs[0];
  if (state === 'active') return 'changed';
  const advice = state === 'failed' ? 'retry it instead' : 'only a waiting or delayed job can be rescheduled';
  throw new JobStateError(queue, id, state, advice);
}

/**
 * When a job is to start: the moment itself, or so long from now.
 *
 * @throws TypeError
 */
export function startAt(at: Date | Duration, now: number): number {
  if (!(at instanceof Date)) return Math.min(Math.ceil(now + durationMs(at, 'reschedule: at')), LAST_MOMENT);
  const ms = at.getTime();
  if (ms >= 0 && ms <= LAST_MOMENT) return ms;
  throw new TypeError(`reschedule: at: expected a duration from now or a Date between 1970 and 9999, got ${show(at)}`);
}

/**
 * What there is of an id, in whatever state.
 *
 * @throws JobNotFoundError where there is none
 */
export async function jobsOf(engine: Engine, queue: string, id: string): Promise<readonly InspectedJob[]> {
  const inspector = engine.inspector('find a job');
  checkName('queue name', queue);
  checkId(id);
  engine.check('find a job by its id', inspector.abilities.get);
  const jobs = await engine.ask(`find job ${show(id)}`, inspector.get(queue, id));
  if (jobs.length > 0) return jobs;
  const { active } = inspector.abilities.list;
  throw new JobNotFoundError(queue, id, typeof active === 'object' ? '; or a worker has it, which nobody can see' : '');
}

async function change(engine: Engine, job: InspectedJob, to: JobChange): Promise<ActionResult> {
  const { queue, key, state } = job;
  const action = `${to.kind} job ${show(job.content.id)}`;
  const [result] = await engine.ask(action, engine.inspector(action).change(queue, [{ key, state }], to));
  if (to.kind === 'remove' && result === 'done') await engine.letGo([job]);
  return result ?? 'changed';
}

/** @throws TypeError where no job can have such an id */
export function checkId(id: unknown): asserts id is string {
  if (typeof id === 'string' && id !== '' && Buffer.byteLength(id) <= FOREIGN_ID_MAX_BYTES) return;
  throw new TypeError(`job id: expected a text of 1 to ${FOREIGN_ID_MAX_BYTES} bytes, got ${show(id)}`);
}
