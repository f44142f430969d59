import type { ConsumerContext } from './consumer-context.js';
import type { Leased } from './lease-keeper.js';
import type { Ending } from './outcome.js';
import type { RatePlace, SharedRate } from './shared-rate.js';

/** How long a job waits in its slot for a place of a rate, in milliseconds; longer, it is handed back until then. */
const LONGEST_WAIT_MS = 1_000;

/** The places that a run has got; without them, why it is not to be handled now, unless the wait was ended. */
export interface Paced {
  readonly places: readonly RatePlace[];
  readonly ending?: Ending;
}

const NONE: Paced = { places: [] };

/** Takes a place of each rate, waiting for it where that is short; again and again while the engine fails. */
export async function takePlaces(
  run: Leased,
  rates: readonly SharedRate[],
  signal: AbortSignal,
  { backend, clock, leases, outage }: ConsumerContext,
): Promise<Paced> {
  // An engine of one process takes jobs back at no cost, and its time may stand still.
  const deadline = clock.now() + (backend.traits.shared ? LONGEST_WAIT_MS : 0);
  const places: RatePlace[] = [];
  const leave = (paced: Paced): Paced => {
    for (const place of places) place.giveBack();
    outage.gaveUp(run);
    return paced;
  };
  for (const rate of rates) {
    for (let failures = 0; ;) {
      if (signal.aborted || leases.lapsed(run)) return leave(NONE);
      try {
        const place = await rate.take();
        outage.passed(run);
        if (place) {
          places.push(place);
          break;
        }
        const at = rate.turnAt;
        if (at > deadline) return leave({ places: [], ending: { kind: 'limited', at: rate.allot() } });
        await rate.wait(at, signal);
      } catch (error) {
        outage.failed(run, error);
        await outage.wait(failures++, signal);
      }
    }
  }
  return { places };
}
