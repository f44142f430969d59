import { SETTLED_WITHIN_MS, type Deaths } from './deaths.js';
import { hasReturned, type Delivery } from './deliveries.js';
import type { EngineRules } from './engines/engine.js';

/**
 * What is wrong with the deliveries of one key: each but the last has to have failed or been blocked as planned, or its
 * worker or the server was killed before the next began; and the last has to have returned.
 *
 * A kill may leave a job there twice where the engine puts a blocked one again: then its deliveries are those of two.
 *
 * @param isDestroyed whether the engine was seen to have destroyed the job, so that the last can't return
 */
export function deliveryFaults(
  key: string,
  runs: readonly Delivery[],
  deaths: Deaths,
  rules: EngineRules,
  isDestroyed: boolean,
): string[] {
  const faults: string[] = [];
  /** The last delivery of each copy, and how many more copies there may be. */
  const lasts: Delivery[] = [];
  let spare = 1;
  for (const next of runs) {
    const reasons = lasts.map((last) => succession(last, next, deaths, rules));
    const fits = [...reasons.keys()].filter((copy) => reasons[copy] === undefined);
    // One that has to come again is likelier to have than one that has returned.
    const follows = fits.find((copy) => !hasReturned(lasts[copy])) ?? fits[0] ?? -1;
    if (follows >= 0) lasts[follows] = next;
    else if (spare > 0) {
      lasts.push(next);
      spare -= 1;
    } else {
      faults.push(`${key} in ${next.by}, attempt ${next.attempt}: ${reasons.join('; ')}`);
      lasts[0] = next;
    }
    if (rules.putsBlockedAgain && mayBeThereTwice(next, deaths)) spare += 1;
  }
  const open = isDestroyed ? [] : lasts.filter((last) => !hasReturned(last));
  return [...faults, ...open.map(({ by }) => `${key} was begun by ${by} and never done`)];
}

function mayBeThereTwice({ by, end, endedAt = Infinity }: Delivery, deaths: Deaths): boolean {
  if (end !== 'blocks') return false;
  const death = deaths.of(by) ?? Infinity;
  return death - endedAt <= SETTLED_WITHIN_MS || deaths.ofServer(endedAt, endedAt + SETTLED_WITHIN_MS);
}

/** Why one delivery can't follow another. */
function succession(before: Delivery, next: Delivery, deaths: Deaths, rules: EngineRules): string | undefined {
  const { end, endedAt = Infinity, by, attempt, startedAt } = before;
  const death = deaths.of(by);
  const isForgotten = rules.serverForgetsAttempts && deaths.ofServer(startedAt, next.startedAt);
  // A blocked one gets its attempt back, unless its worker died before it could give it.
  const isCounted = end === 'blocks' ? next.attempt >= attempt : next.attempt > attempt;
  if (!isCounted && !isForgotten) return `its attempt was ${attempt} before`;
  if (deaths.ofServer(startedAt, Math.min(next.startedAt, endedAt + SETTLED_WITHIN_MS))) return undefined;
  if (end === 'leaves') return `the signal of ${by} was aborted`;
  if (end === 'fails' || end === 'blocks') return next.startedAt < endedAt ? `${by} had it still` : undefined;
  if (death === undefined) return `${by} had it, ${end ? 'did it' : 'left it open'} and was never killed`;
  if (next.startedAt < death) return `${by} had it, and was killed ${death - next.startedAt} ms later`;
  if (death - endedAt > SETTLED_WITHIN_MS) return `${by} had done it ${death - endedAt} ms before it was killed`;
  return undefined;
}
