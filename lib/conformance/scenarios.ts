import { admitting } from './admitting.js';
import { attempts } from './attempts.js';
import { bytes } from './bytes.js';
import { changing } from './changing.js';
import { claiming } from './claiming.js';
import { closing } from './closing.js';
import { consuming } from './consuming.js';
import { crashing } from './crashing.js';
import { delay } from './delay.js';
import { elsewhere } from './elsewhere.js';
import { fleet } from './fleet.js';
import { finding } from './finding.js';
import { following } from './following.js';
import { foreign } from './foreign.js';
import { forwarding } from './forwarding.js';
import { handling } from './handling.js';
import { ids } from './ids.js';
import { inspecting } from './inspecting.js';
import { leasing } from './leasing.js';
import { letters } from './letters.js';
import { limits } from './limits.js';
import { listing } from './listing.js';
import { order } from './order.js';
import { publishing } from './publishing.js';
import { rates } from './rates.js';
import { records } from './records.js';
import { recurring } from './recurring.js';
import { replacing } from './replacing.js';
import { rescheduling } from './rescheduling.js';
import { reserving } from './reserving.js';
import { restoring } from './restoring.js';
import { results } from './results.js';
import { resuming } from './resuming.js';
import { retrying } from './retrying.js';
import type { Scenario } from './scenario.js';
import { settling } from './settling.js';
import { sharing } from './sharing.js';
import { stopping } from './stopping.js';
import { throwing } from './throwing.js';
import { unique } from './unique.js';
import { watching } from './watching.js';

/** All rules, chapter by chapter: first what the engine keeps alone, then what it keeps together with the core. */
export const scenarios: readonly Scenario[] = [
  ...publishing,
  ...bytes,
  ...reserving,
  ...order,
  ...delay,
  ...settling,
  ...replacing,
  ...attempts,
  ...leasing,
  ...sharing,
  ...crashing,
  ...closing,
  ...ids,
  ...records,
  ...claiming,
  ...watching,
  ...letters,
  ...elsewhere,
  ...limits,
  ...inspecting,
  ...listing,
  ...finding,
  ...retrying,
  ...changing,
  ...rescheduling,
  ...restoring,
  ...resuming,
  ...handling,
  ...throwing,
  ...forwarding,
  ...unique,
  ...recurring,
  ...admitting,
  ...consuming,
  ...rates,
  ...stopping,
  ...fleet,
  ...following,
  ...results,
  ...foreign,
];
