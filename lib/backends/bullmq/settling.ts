import type { Settlement } from '../../core/backend.js';
import type { FailureRecord } from '../../core/failure-record.js';
import { uncounted } from './attempts.js';
import type { Connections } from './connections.js';
import { faultOf, isReply } from './faults.js';
import type { BullmqDelivery } from './fetching.js';
import type { CheckedRetention } from './retention.js';
import { isLost, type Scripts } from './scripts.js';
import { ATTEMPTS_FIELD, FAILURES_FIELD, newJob, READY_FIELD, REASON_FIELD, UNCOUNTED_FIELD } from './stored-job.js';

type Of<Kind extends Settlement['kind']> = Extract<Settlement, { readonly kind: Kind }>;

/** What a token of ours looks like. To BullMQ, some others mean that no lock is asked for. */
const TOKEN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The longest reason that BullMQ's tools are shown, in characters; it goes into the stream of events too. */
const LONGEST_REASON = 2_000;

/** Ends and renews deliveries of one queue. Each is one script, which refuses where the lock is not this delivery's. */
export class Settling {
  /** Deliveries whose last settlement got no answer: it may have been carried out. */
  private readonly inDoubt = new Set<string>();

  constructor(
    private readonly scripts: Scripts,
    private readonly connections: Connections,
    private readonly leaseMs: number,
    private readonly retention: CheckedRetention,
  ) {}

  /** @throws BackendError */
  async settle(delivery: BullmqDelivery, settlement: Settlement): Promise<boolean> {
    const { receipt } = delivery;
    if (!TOKEN.test(receipt)) return false;
    const { client } = this.connections.working;
    if (client.status !== 'ready') await this.connections.ready(client, 0);
    try {
      await this.carryOut(delivery, settlement);
      this.inDoubt.delete(receipt);
      return true;
    } catch (error) {
      try {
        if (isLost(error)) return this.inDoubt.has(receipt) && (await this.wasCarriedOut(delivery));
      } finally {
        this.inDoubt.delete(receipt);
      }
      if (!isReply(error)) this.doubt(receipt);
      throw faultOf(error, this.connections.where);
    }
  }

  /** @throws BackendError */
  async extend({ receipt, jobId }: BullmqDelivery): Promise<boolean> {
    if (!TOKEN.test(receipt)) return false;
    await this.connections.ready(this.connections.working.client, 0);
    try {
      return (await this.scripts.extendLock(jobId, receipt, this.leaseMs)) === 1;
    } catch (error) {
      throw faultOf(error, this.connections.where);
    }
  }

  private carryOut(delivery: BullmqDelivery, settlement: Settlement): Promise<unknown> {
    switch (settlement.kind) {
      case 'completed':
        return this.scripts.finish({
          id: delivery.jobId,
          token: delivery.receipt,
          target: 'completed',
          reason: null,
          keep: this.retention.completed,
        });
      case 'again':
        return this.putBack(delivery, settlement);
      case 'replaced':
        return this.replace(delivery, settlement);
      default:
        return this.putAside(delivery, settlement);
    }
  }

  /** By way of the delayed jobs, also where it is due: the move to the waiting ones always costs an attempt of BullMQ's. */
  private putBack(delivery: BullmqDelivery, { at, countsAttempt, failures }: Of<'again'>): Promise<unknown> {
    const now = Date.now();
    const delay = Math.max(Math.ceil(at) - now, 0);
    const next = countsAttempt ? delivery.attempt + 1 : delivery.attempt;
    const fieldsToUpdate = {
      ...failureFields(delivery, failures),
      [UNCOUNTED_FIELD]: uncounted(delivery.starts, next),
      [READY_FIELD]: now + delay,
    };
    // Due since 1970, so that no host thinks that its time is yet to come.
    const from = delay > 0 ? now : 0;
    const options = { skipAttempt: !countsAttempt, fieldsToUpdate };
    return this.scripts.moveToDelayed(delivery.jobId, from, delay, delivery.receipt, options);
  }

  /** Under BullMQ's id of the job, which others may have chosen. */
  private replace({ jobId, receipt }: BullmqDelivery, { message }: Of<'replaced'>): Promise<void> {
    return this.scripts.replace(receipt, newJob(message, Date.now(), jobId));
  }

  private putAside(delivery: BullmqDelivery, settlement: Of<'failed'> | Of<'expired'>): Promise<unknown> {
    const { kind, reason, failures } = settlement;
    const { error } = failures.at(-1) ?? {};
    const full = error && kind === 'failed' ? `${reason}: ${error.name}: ${error.message}` : reason;
    return this.scripts.finish({
      id: delivery.jobId,
      token: delivery.receipt,
      target: kind,
      reason: full.slice(0, LONGEST_REASON),
      keep: this.retention[kind],
      fields: {
        ...failureFields(delivery, failures),
        // A tool that retries it gives it all its attempts again.
        [UNCOUNTED_FIELD]: uncounted(delivery.starts, 1),
        [ATTEMPTS_FIELD]: delivery.attempt,
        [REASON_FIELD]: reason,
      },
    });
  }

  private doubt(receipt: string): void {
    this.inDoubt.add(receipt);
    // After its lease nobody settles it any more.
    setTimeout(() => this.inDoubt.delete(receipt), this.leaseMs).unref();
  }

  /**
   * Whether a settlement that got no answer is why the lease is gone: the job is active no more, and neither has it been
   * started again, nor was it taken from us for it had stalled.
   */
  private async wasCarriedOut({ jobId, starts, stalled }: BullmqDelivery): Promise<boolean> {
    const { client } = this.connections.working;
    try {
      const [[started, stalls], active] = await Promise.all([
        client.hmget(this.scripts.toKey(jobId), 'ats', 'stc'),
        client.lpos(this.scripts.keys['active'], jobId),
      ]);
      if (active !== null) return false;
      return started === null || (Number(started) === starts.started && Number(stalls ?? 0) === stalled);
    } catch (error) {
      throw faultOf(error, this.connections.where);
    }
  }
}

/** The failures as they come back to us, and the last as BullMQ's tools show it. */
function failureFields(delivery: BullmqDelivery, failures: readonly FailureRecord[]): Record<string, string> {
  if (failures.length === 0 && delivery.failures.length === 0) return {};
  const { error } = failures.at(-1) ?? {};
  const stack = error?.stack ?? (error && `${error.name}: ${error.message}`);
  return {
    [FAILURES_FIELD]: JSON.stringify(failures),
    ...(error ? { failedReason: error.message.slice(0, LONGEST_REASON) } : {}),
    stacktrace: JSON.stringify(stack === undefined ? [] : [stack]),
  };
}
