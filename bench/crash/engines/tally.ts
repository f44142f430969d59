import { BeanstalkdTally } from './beanstalkd-tally.js';
import { BullmqTally } from './bullmq-tally.js';
import type { EngineName, Tally } from './engine.js';
import { FilerTally } from './filer-tally.js';

/** @param url as `backendFromUrl` takes it */
export function tallyOf(engine: EngineName, url: string): Tally {
  switch (engine) {
    case 'filer':
      return new FilerTally(decodeURIComponent(new URL(url).pathname));
    case 'bullmq':
      return new BullmqTally(url);
    case 'beanstalkd':
      return new BeanstalkdTally(url);
  }
}
