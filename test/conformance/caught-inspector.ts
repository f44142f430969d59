const ENDED = ['completed', 'expired'] as const;
const UNTAKEN = ['waiting', 'delayed', 'failed'] as const;
const ALL = [...UNTAKEN, 'active', ...ENDED] as const;

/** The same scenario for each of some states. */
function forEach(
  states: readonly string[],
  nameOf: (state: string) => string,
  ...breakers: readonly string[]
): Record<string, readonly string[]> {
  return Object.fromEntries(states.map((state) => [nameOf(state), breakers]));
}

/** Which faults each scenario of operating jobs has to catch. */
export const caughtInspector: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  inspecting: {
    'queues that have jobs are named, in the order of their names': ['names queues in no order', 'names no queues'],
    'a queue that nobody uses is empty, and asking for it makes none': ['names queues that were asked for'],
    ...forEach(
      ALL,
      (state) => `jobs that are ${state} are counted as such`,
      'counts no jobs',
      'counts a job in two states',
    ),
    'jobs of all states are counted apart, and those of other queues not': [
      'counts the jobs of all queues',
      'counts a job in two states',
    ],
    'the oldest that waits tells since when, and no delayed one': [
      'says that the oldest came just now',
      'says that delayed jobs wait',
    ],
    ...forEach(
      ALL,
      (state) => `a job that is ${state} is shown with what is known of it`,
      'shows jobs without their payload',
      'shows jobs in other states too',
    ),
    'a job that is failed is shown with what is known of it': [
      'shows jobs without their payload',
      'shows jobs in other states too',
      'forgets why jobs failed',
    ],
    'the attempts and failures of a job that comes back are shown': ['shows no attempts', 'forgets why jobs failed'],
    'a job whose worker has died stays in sight': ['loses sight of jobs whose lease has lapsed'],
    'what can’t be done is refused, with a reason given beforehand': ['does what it says it can’t'],
    'where only the next can be listed, it is the next': [
      'shows two where it says one',
      'shows the last where it says the next',
    ],
  },
  listing: {
    'waiting jobs are listed in the order in which they are served': ['lists backwards'],
    'delayed jobs are listed by when they fall due': ['lists backwards'],
    ...forEach(
      ALL,
      (state) => `pages of jobs that are ${state} have all of them, each once`,
      'forgets the last of each page',
    ),
    ...forEach(
      ALL,
      (state) => `who pages through jobs that are ${state} may go on elsewhere`,
      'keeps its cursors to itself',
    ),
    'who pages while waiting jobs are taken and published sees all others once': ['counts places for a cursor'],
    ...forEach(
      ['failed', 'completed'],
      (state) => `who pages while ${state} jobs come and are removed sees all others once`,
      'counts places for a cursor',
    ),
  },
  finding: {
    'a job is found by its id, whatever its state, and no other queue’s': [
      'finds no job by its id',
      'finds jobs of other queues',
    ],
    'a job whose id the engine made is found': ['finds no failed job by its id'],
    'ids of others find their jobs, however odd, and none another’s': ['finds ids without their case'],
    'what can’t be read is shown as such': ['shows nothing that can’t be read'],
  },
  retrying: {
    'a failed job that is retried runs again as it was, with fresh attempts': [
      'counts attempts on when it retries',
      'drops the headers of what it retries',
    ],
    'a retried job is handled by the core, whose attempts it has all': ['counts attempts on when it retries'],
    'a retried job stands behind its equals': ['puts what it retries before its equals'],
    'a retried job is handed out to a reserve that waits': ['retries nothing'],
    'the id of a retried job stays taken': ['retries under another id'],
    'a retried job that fails again tells of its last failure': ['counts attempts on when it retries'],
  },
  changing: {
    ...forEach(
      ['waiting', 'delayed', 'completed', 'failed', 'expired'],
      (state) => `a job that is ${state} can be removed, and its id is free`,
      'removes nothing',
    ),
    'an active job is its worker’s, and no change touches it': ['says that every change is done'],
    'a job that is in another state than said is left alone': ['does not look in which state a job is'],
    'a job that went on or is gone is left alone': ['says that every change is done'],
    'a key that no job has changes nothing': ['says that every change is done'],
    'jobs of one queue are not another’s': ['changes jobs of other queues'],
    'many are changed at a time, each by itself, and answered in their order': [
      'changes a hundred at a time',
      'answers changes in another order',
    ],
    'of one job given twice, the first is done': ['says that every change is done'],
    ...forEach(
      ['retry', 'remove'],
      (kind) => `of several who ${kind} the same job at the same time, one does it`,
      'looks at a job and changes it in two steps',
    ),
    'a job is removed or handed out, never both': ['removes a while after it says so'],
  },
  rescheduling: {
    'a delayed job that is to run now is handled now, at no cost': ['hands out the delay that was changed'],
    'what is to run now stays so when it comes back': ['hands out the delay that was changed'],
    'a delayed job that is to run earlier is handed out then, and not before': [
      'reschedules to now',
      'hands out the delay that was changed',
    ],
    'a job that is to run later stays away until then': ['reschedules to now', 'reschedules nothing'],
    'a job that is to run now is handed out to a reserve that waits': ['reschedules nothing'],
    'a job that is to run at another time keeps all else': ['starts afresh what it reschedules'],
    'a job that is to run at another time keeps its failures': ['starts afresh what it reschedules'],
    'a job whose delay was changed is there once': ['leaves the old one when it reschedules'],
  },
  restoring: {
    ...forEach(
      ['waiting', 'delayed', 'completed', 'failed', 'expired'],
      (state) => `a job that was ${state} elsewhere stands so here`,
      'stores jobs without their attempts',
      'stores under other ids',
    ),
    'a stored job that waits is handled, and its attempts go on': ['stores jobs without their attempts'],
    'the failures of a stored job go along': ['stores jobs without their failures'],
    'a stored job whose delay was cut short is handled at once': ['stores what a message says of its delay'],
    'a stored job that is delayed is handed out, and not before its time': ['stores delayed jobs as waiting'],
    'stored jobs are served in the order of storing, the most urgent first': ['stores the last first'],
    'a stored job is handed out to a reserve that waits': ['stores nothing'],
    'a stored job that has failed can be retried': [
      'stores failed jobs as waiting',
      'counts attempts on when it retries',
    ],
    'ids of others are kept, however odd, and none is taken for another': ['stores ids without their case'],
    'what can’t be read comes back so, with its bytes': ['stores bytes as a text'],
    'what is too large is refused by itself, with a reason': ['stores what is too large'],
  },
  resuming: {
    'what is stored the second time is there': ['says that all was stored', 'stores under other ids'],
    ...forEach(
      [...UNTAKEN, 'active'],
      (state) => `a job that is ${state} here is left as it is by one of its id from elsewhere`,
      'says that all was stored',
    ),
    'a job that is waiting here is left as it is by one of its id from elsewhere': ['stores over what is there'],
    'the id of a stored job is taken as long as it lives': ['stores under other ids'],
    ...forEach(
      ENDED,
      (state) => `the id of a job that was ${state} elsewhere is free`,
      'stores what has ended as failed',
    ),
    'many are stored at a time, and answered in their order': ['stores a hundred at a time'],
  },
};
