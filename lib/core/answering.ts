import { answerPlaceOf, answerText, KEEP_RESULT, tellAnswer, type Answer, type AnswerPlace } from './answer-record.js';
import { BackendError, type Backend } from './backend.js';
import { messageOf } from './errors.js';
import type { DropReason } from './events.js';
import { describeError, type FailureRecord } from './failure-record.js';
import type { Outcome } from './outcome.js';
import type { Records } from './records.js';
import type { RunMiddleware } from './run-middleware.js';

/** The longest text of an error in an answer that is to be short, in characters. */
const SHORT_TEXT = 500;

/**
 * Stores the answer of each job that keeps one before the engine hears of the job's end: so a worker that dies between
 * the two makes for a second answer, and never for none.
 */
export function answering(records: Records, { traits }: Backend): RunMiddleware {
  const set = async (place: AnswerPlace, answer: Answer, receipt: string): Promise<void> => {
    const text = answerText(answer, place);
    const bytes = Buffer.byteLength(text);
    if (bytes > (traits.maxBytes ?? Infinity)) {
      throw new TooLarge(`it has ${bytes} bytes, and ${traits.name} takes at most ${traits.maxBytes}`);
    }
    await tellAnswer(records, place, text, receipt);
  };
  return {
    concerns: (message) => KEEP_RESULT in message.headers,

    async settling({ delivery, ref, message, notes }, outcome) {
      const place = answerPlaceOf(ref.queue, message);
      if (!place || !isEnd(outcome)) return outcome;
      await notes?.flush();
      const answer = answerOf(outcome, ref.attempt);
      try {
        await set(place, answer, delivery.receipt);
        return outcome;
      } catch (error) {
        if (!isTooMuch(error)) throw error;
        // What does not fit never will: its caller and the operator are told, and that does.
        const instead = outcome.kind === 'completed' ? tooLarge(error) : outcome;
        await set(place, shortened(answerOf(instead, ref.attempt)), delivery.receipt).catch((error: unknown) => {
          if (!isTooMuch(error)) throw error;
        });
        return instead;
      }
    },
  };
}

const dropped = (message: string): FailureRecord['error'] => ({ name: 'JobDroppedError', message });

const DROPPED: Readonly<Record<DropReason, FailureRecord['error']>> = {
  'drop-oldest': dropped('its queue was full, and it had waited longest'),
  'drop-newest': dropped('its queue was full'),
  replaced: dropped('another job of its unique key was published in its place'),
  removed: dropped('an operator has removed it'),
  repeated: dropped('it was published twice, and the other has completed'),
};

/** The text of the answer of a job that is gone unhandled. */
export function answerOfDropped(reason: DropReason, place: AnswerPlace): string {
  return answerText({ state: 'failed', reason: 'dropped', error: DROPPED[reason], attempts: 0 }, place);
}

class TooLarge extends Error {}

type End = Extract<Outcome, { kind: 'completed' | 'failed' | 'expired' | 'dropped' }>;

/** Whether nothing more becomes of the job; one that goes on as another has not ended. */
function isEnd(outcome: Outcome): outcome is End {
  switch (outcome.kind) {
    case 'completed':
      return outcome.next === undefined;
    case 'failed':
    case 'expired':
    case 'dropped':
      return true;
    default:
      return false;
  }
}

function answerOf(outcome: End, attempts: number): Answer {
  switch (outcome.kind) {
    case 'completed':
      return { state: 'completed', result: outcome.result, attempts };
    case 'failed':
      return { state: 'failed', reason: outcome.reason, error: describeError(outcome.error), attempts };
    case 'dropped':
      return { state: 'failed', reason: 'dropped', error: DROPPED[outcome.reason], attempts };
    case 'expired':
      return { state: 'expired', reason: outcome.reason, attempts };
  }
}

/** An engine that fails for good with this one may take another. */
function isTooMuch(error: unknown): boolean {
  return error instanceof TooLarge || (error instanceof BackendError && !error.passing);
}

function tooLarge(cause: unknown): End {
  const reason = `its result can't be kept for its caller: ${messageOf(cause)}`;
  const error = new Error(reason, { cause });
  error.name = 'ResultNotKeptError';
  error.stack = undefined;
  return { kind: 'failed', reason, error };
}

function shortened(answer: Answer): Answer {
  if (answer.state === 'completed') return answer;
  const reason = short(answer.reason);
  if (answer.state === 'expired') return { ...answer, reason };
  const error: FailureRecord['error'] = { name: short(answer.error.name), message: short(answer.error.message) };
  return { ...answer, reason, error };
}

function short(text: string): string {
  return text.length > SHORT_TEXT ? `${text.slice(0, SHORT_TEXT)}…` : text;
}
