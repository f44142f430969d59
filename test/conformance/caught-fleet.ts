/** Which faults each scenario of what operators say to all workers, and these of themselves, has to catch. */
export const caughtFleet: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  fleet: {
    'of a paused queue no worker takes anything; what runs ends': [
      'tells nobody who watches',
      'tells only of what its own worker sets',
      'gives each worker records of its own',
    ],
    'a resumed queue is read again by all who read it': [
      'tells nobody who watches',
      'gives each worker records of its own',
    ],
    'a worker that comes later takes nothing of a queue that is paused': [
      'gives each worker records of its own',
      'forgets records',
    ],
    'of queues that two workers pause at the same time, all are paused': [
      'swaps whatever the text',
      'gives each worker records of its own',
    ],
    'a running job is cancelled on whichever worker runs it, and has failed': [
      'tells nobody who watches',
      'gives each worker records of its own',
    ],
    'each worker is listed for all, until it stops': ['gives each worker records of its own'],
    'what the runs of all workers came to is counted': ['gives each worker records of its own'],
  },
  following: {
    'who follows events is told each once and in order, whichever worker it is of': [
      'tells nobody who watches',
      'tells only of what its own worker sets',
      'gives each worker records of its own',
      'tells once',
    ],
    'who follows is told all of an event, and nothing of others': [
      'tells nobody who watches',
      'gives each worker records of its own',
    ],
    'who begins to follow later is told only what happens then': [
      'tells nobody who watches',
      'keeps the first text of a key',
    ],
    'of a worker that comes later, and of one that stops, all is told': [
      'tells nobody who watches',
      'gives each worker records of its own',
    ],
    'who follows no more is told nothing, and forgotten': [
      'tells nobody who watches',
      'gives each worker records of its own',
    ],
  },
};
