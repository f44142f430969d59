import type { Breaker } from '../honest.js';
import { attemptsBreakers } from './attempts.js';
import { bytesBreakers } from './bytes.js';
import { closingBreakers } from './closing.js';
import { delayBreakers } from './delay.js';
import { elsewhereBreakers } from './elsewhere.js';
import { foreignBreakers } from './foreign.js';
import { changingBreakers } from './changing.js';
import { idsBreakers } from './ids.js';
import { inspectingBreakers } from './inspecting.js';
import { leasingBreakers } from './leasing.js';
import { lettersBreakers } from './letters.js';
import { limitsBreakers } from './limits.js';
import { orderBreakers } from './order.js';
import { publishingBreakers } from './publishing.js';
import { recordsBreakers } from './records.js';
import { replacingBreakers } from './replacing.js';
import { ratesBreakers } from './rates.js';
import { reservingBreakers } from './reserving.js';
import { restoringBreakers } from './restoring.js';
import { resultsBreakers } from './results.js';
import { settlingBreakers } from './settling.js';
import { sharingBreakers } from './sharing.js';
import { watchingBreakers } from './watching.js';

/** All faults by what they do. */
export const breakers: Readonly<Record<string, Breaker>> = {
  ...publishingBreakers,
  ...bytesBreakers,
  ...reservingBreakers,
  ...orderBreakers,
  ...ratesBreakers,
  ...delayBreakers,
  ...resultsBreakers,
  ...settlingBreakers,
  ...replacingBreakers,
  ...attemptsBreakers,
  ...leasingBreakers,
  ...limitsBreakers,
  ...sharingBreakers,
  ...closingBreakers,
  ...idsBreakers,
  ...recordsBreakers,
  ...watchingBreakers,
  ...lettersBreakers,
  ...elsewhereBreakers,
  ...foreignBreakers,
  ...inspectingBreakers,
  ...changingBreakers,
  ...restoringBreakers,
};
